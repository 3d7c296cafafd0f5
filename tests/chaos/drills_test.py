#!/usr/bin/env python3
"""scripts/drills against a fake hadeploy: the order and the targets of a campaign, how it continues, and its
summary.

usage: drills_test.py
"""
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
DRILLS = HERE.parents[1] / "scripts" / "drills"


class DrillsTest(unittest.TestCase):
    def setUp(self):
        self.project = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-drills-test-"))
        self.addCleanup(shutil.rmtree, self.project)
        self.output = self.project / "reports"
        test = self

        class App(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"ready": True, "database": test.cluster()["database"]}).encode())

            def log_message(self, *_):
                pass

        app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
        threading.Thread(target=app.serve_forever, daemon=True).start()
        self.addCleanup(app.server_close)
        self.addCleanup(app.shutdown)
        self.url = f"http://127.0.0.1:{app.server_port}"
        self.set()

    def set(self, **cluster):
        (self.project / "cluster.json").write_text(
            json.dumps({"url": self.url, "database": "node2"} | cluster))

    def cluster(self):
        return json.loads((self.project / "cluster.json").read_text())

    def command(self, *words):
        return [DRILLS, "--hadeploy", f"{sys.executable} {HERE / 'fake_hadeploy.py'}", "--patience", "30",
                "--kills", "1", "--drains", "3", *words, self.project, self.output, "--", "--var", "a=b"]

    def drills(self, *words, status=0):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def calls(self):
        """The drills since the last call."""
        log = self.project / "calls.log"
        calls = log.read_text().splitlines()
        log.unlink()
        return calls

    def reports(self):
        return sorted(file.stem for file in self.output.glob("*.json"))

    def test_the_whole_campaign(self):
        self.drills()
        self.assertEqual(self.calls(), [
            "halt", "--pause node2", "--reboot node2", "--partition node2", "--partition node2 --way in",
            "--partition node2 --way out", "--latency node2 --delay 200ms --jitter 50ms",
            "--loss node2 --percent 10", "--fill-disk node2", "--stop-docker node2",
            "--kill-service node2 --service ha-demo_database", "--kill-brick node2", "--kill node3",
            "--kill node2", "--kill node1", "--drain node1", "--drain node2", "--drain node3"])
        for name in self.reports():
            for ending in ("txt", "html", "xml", "log"):
                self.assertTrue((self.output / f"{name}.{ending}").is_file(), name)
        self.assertEqual(len(self.reports()), 17)
        self.assertEqual((self.output / "drain-leader-1.txt").read_text(), "PASSED  --drain\n")

    def test_a_second_run_skips_what_has_a_report(self):
        self.set(results={"2": "refused"})
        text = self.drills("--only", "drain-*", status=1)
        self.assertIn("drain-database-1: no report (exit status 1): error: it is refused", text)
        self.assertIn("without a report: drain-database-1", text)
        self.assertEqual(self.reports(), ["drain-leader-1", "drain-plain-1"])
        self.assertIn("2 of 3 drills have a report", (self.output / "summary.md").read_text())
        self.calls()
        self.assertIn("drain-leader-1     --drain  leader  done\n", self.drills("--only", "drain-*", "--list"))
        self.drills("--only", "drain-*")
        self.assertEqual(self.calls(), ["halt", "--drain node2"])
        self.drills("--only", "drain-*")
        self.assertFalse((self.project / "calls.log").exists())

    def test_a_terminated_campaign_ends_its_drill_and_repeats_it(self):
        self.set(results={"1": "hang"})
        running = subprocess.Popen(self.command("--only", "kill-plain-1"), stdout=subprocess.DEVNULL)
        for _ in range(300):
            if (self.project / "hangs").exists():
                break
            time.sleep(0.1)
        running.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(30), 1)
        self.assertTrue(json.loads((self.output / "kill-plain-1.json").read_text())["interrupted"])
        self.calls()
        self.drills("--only", "kill-plain-1")
        self.assertEqual(self.calls(), ["halt", "--kill node3"])
        self.assertFalse(json.loads((self.output / "kill-plain-1.json").read_text())["interrupted"])

    def test_it_waits_for_the_steady_state(self):
        self.set(results={"1": "busy"})
        text = self.drills("--only", "drain-*")
        self.assertEqual(text.count("waiting for the steady state: ha-demo_web has 1 of 2 tasks"), 1)
        self.set(ill=10 ** 6)
        shutil.rmtree(self.output)
        self.assertIn("drills: error: no steady state within 1.0 s: ha-demo_web has 1 of 2 tasks",
                      self.drills("--only", "drain-*", "--patience", "1", status=1))
        self.assertEqual(self.reports(), [])

    def test_the_database_is_moved_off_the_leader(self):
        self.set(database="node1")
        self.drills("--only", "kill-[dl]*")
        self.assertEqual(self.calls(), [
            "halt", "--kill-service node1 --service ha-demo_database --progress quiet", "--kill node3",
            "--kill node1"])
        self.set(database="node1")
        shutil.rmtree(self.output)
        self.drills("--only", "*-leader-1")
        self.assertIn("| node1, leader and database |", (self.output / "summary.md").read_text())

    def test_a_drill_of_a_plain_node_needs_one(self):
        self.set(nodes=["node1", "node2"])
        said = self.drills("--only", "kill-plain-1", status=1)
        self.assertIn("every node is the leader (node1) or runs the database (node2)", said)

    def test_the_summary(self):
        self.set(results={"2": "failed"})
        self.drills("--only", "drain-plain*", "--drains", "9")
        text = (self.output / "summary.md").read_text()
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        self.assertEqual(rows[1], "| drain | plain | 3 | 18 of 6,000 | 0.20 % (0.30 %) | 0.40 % (0.60 %) | "
                                  "2.0 s (3.0 s) | 1.5 s (1.5 s) | 1.2 s (1.2 s) | - | - | 20.0 s (20.0 s) | "
                                  "30.0 s (30.0 s) | 1 | 2 passed, 1 failed |")
        self.assertEqual(rows[3], "| [drain-plain-1](drain-plain-1.txt) | node3, plain | 3 of 2,000 | 0.10 % | "
                                  "0.20 % | 1.0 s | 1.5 s | 1.2 s | - | - | 20.0 s | 30.0 s | 0 | passed |")
        self.assertEqual(len(rows), 6)
        os.remove(self.output / "summary.md")
        self.calls()
        self.drills("--only", "drain-plain*", "--drains", "9", "--summary")
        self.assertEqual((self.output / "summary.md").read_text(), text)
        self.assertFalse((self.project / "calls.log").exists())


if __name__ == "__main__":
    unittest.main()
