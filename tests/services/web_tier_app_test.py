#!/usr/bin/env python3
"""The app of modules/web-tier: two real Jetty servers that share a journal.

usage: web_tier_app_test.py
"""
import concurrent.futures
import glob
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402

APP = pathlib.Path(__file__).resolve().parents[2] / "modules" / "web-tier" / "App.java"
JARS = "/usr/share/java/*"


class AppTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="web-tier-app-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.path = pathlib.Path(cls.directory.name)
        subprocess.run(["javac", "-Xlint:all,-path,-serial", "-Werror", "-d", cls.path / "classes", "-cp", JARS, APP],
                       check=True)

    def setUp(self):
        self.data = pathlib.Path(tempfile.mkdtemp(dir=self.path))

    def start(self, task):
        port = free_port()
        process = subprocess.Popen(
            ["java", "-Xmx64m", "-XX:+UseSerialGC", "-cp", f"{self.path}/classes:{JARS}", "App"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=dict(os.environ, PORT=str(port), DATA=str(self.data), TASK=task))
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for _ in range(600):
            try:
                if self.get(port, "/ping")[0] == 200:
                    return process, port
            except ConnectionRefusedError:
                time.sleep(0.05)
        self.fail("the app does not start")

    def request(self, port, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded"} if body else {})
            response = connection.getresponse()
            return response.status, response.read().decode(), response.headers
        finally:
            connection.close()

    def get(self, port, path):
        return self.request(port, "GET", path)

    def add(self, port, note):
        return self.request(port, "POST", "/notes", urllib.parse.urlencode({"note": note}))[0]

    def notes(self, port):
        return self.get(port, "/notes")[1].splitlines()

    def test_pages(self):
        _, port = self.start("web.1")
        self.assertEqual(self.get(port, "/ping")[:2], (200, "pong\n"))
        self.assertEqual(self.notes(port), [])
        self.assertEqual(self.add(port, " <b>Zoë</b>\n & more "), 303)
        status, page, headers = self.get(port, "/")
        self.assertEqual((status, headers["Cache-Control"], headers["X-Task"]), (200, "no-store", "web.1"))
        self.assertIn("<li>&lt;b&gt;Zoë&lt;/b&gt; &amp; more\n", page)
        self.assertEqual(self.notes(port), ["<b>Zoë</b> & more"])
        self.assertEqual([self.add(port, note) for note in (" ", "x" * 1001)], [400, 400])
        self.assertEqual((self.get(port, "/other")[0], self.request(port, "POST", "/", "note=x")[0]), (404, 404))
        self.assertEqual(len(self.notes(port)), 1)

    def test_instances_share_the_journal_and_lose_nothing(self):
        (first, a), (_, b) = self.start("a"), self.start("b")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            stored = list(pool.map(lambda i: self.add((a, b)[i % 2], f"note-{i}"), range(100)))
        self.assertEqual(set(stored), {303})
        self.assertEqual(sorted(self.notes(a)), sorted(f"note-{i}" for i in range(100)))
        self.assertEqual(self.notes(a), self.notes(b))
        first.kill()
        first.wait()
        with open(self.data / "journal", "a") as journal:
            journal.write("\n12ab bm90ZQ")  # as an instance leaves it that is killed while it writes
        self.assertEqual(self.add(b, "after"), 303)
        _, c = self.start("c")
        self.assertEqual(len(self.notes(c)), 101)
        self.assertEqual((self.notes(c)[-1], self.notes(c)), ("after", self.notes(b)))

    def test_serves_for_a_while_after_it_was_stopped(self):
        process, port = self.start("a")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        self.assertEqual(self.get(port, "/")[0], 200)
        log = process.communicate(timeout=30)[0]
        self.assertIn('"GET / HTTP/1.1" 200', log)
        self.assertNotIn("/ping", log)  # checks would fill the log


if __name__ == "__main__":
    if not shutil.which("javac") or not glob.glob("/usr/share/java/jetty9-server*.jar"):
        print("SKIPPED: needs javac and Jetty: apt-get install default-jdk-headless libjetty9-java")
        sys.exit(77)
    unittest.main(verbosity=2)
