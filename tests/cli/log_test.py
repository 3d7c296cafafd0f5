#!/usr/bin/env python3
"""The diagnostic log: levels, where it is written, and that no secret gets into it.

usage: log_test.py HADEPLOY [unittest options]
"""
import http.server
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import threading
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
PASSWORD = "correct horse battery"

SPEC = """
name: logged
variables:
  password: {type: string, secret: true, default: "%s"}
resources:
  kept: {type: local.file, path: kept, mode: "0600", content: "${var.password}"}
  fails:
    type: local.exec
    environment: {P: "${var.password}"}
    create: echo "refused - $P" >&2; exit 3
    delete: "true"
""" % PASSWORD
TOKEN = "tok-4711-abc"
ASKING = """
name: asking
variables:
  token: {type: string, secret: true, default: "%s"}
data:
  moved: {type: http, url: "http://ann:pw-of-ann@127.0.0.1:%%d/moved?key=key-of-ann", request_headers: {X-Token: "${var.token}"}}
  hidden: {type: http, url: "http://127.0.0.1:%%d/${var.token}?again=${var.token}"}
  nobody: {type: http, url: "http://127.0.0.1:1/"}
""" % TOKEN
LINE = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\w+) (\w[\w ]*?)((?: \w+="(?:[^"\\]|\\.)*")*)')


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        moved = self.path.startswith("/moved")
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", "/here?signature=signed-for-ann")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Log(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix="hadeploy-log-")
        self.addCleanup(held.cleanup)
        self.home = pathlib.Path(held.name)
        (self.home / "hadeploy.yaml").write_text(SPEC)

    def run_it(self, *options, **environment):
        return subprocess.run([HADEPLOY, "--chdir", self.home, *options], text=True,
                              capture_output=True, check=False, timeout=60,
                              stdin=subprocess.DEVNULL, env={**os.environ, **environment})

    def lines(self, text):
        """The log's lines, as (level, event, fields)."""
        found = [LINE.fullmatch(line) for line in text.splitlines()]
        return [match.groups() for match in found if match]

    def test_it_is_off_unless_asked_for(self):
        self.assertEqual(self.lines(self.run_it("plan").stderr), [])

    def test_debug_has_provider_calls_with_durations(self):
        done = self.run_it("apply", "--auto-approve", "--log-level", "debug", "--progress", "quiet")
        self.assertEqual(done.returncode, 1)
        lines = self.lines(done.stderr)
        events = {event for _, event, _ in lines}
        self.assertLessEqual({"run", "read", "change", "step", "end"}, events)
        self.assertNotIn('=""', done.stderr)
        for level, event, fields in lines:
            if event in ("read", "change", "step"):
                self.assertRegex(fields, r' ms="\d+"')
        self.assertTrue(any(level == "error" and event == "step" and 'address="fails"' in fields
                            for level, event, fields in lines), lines)
        self.assertTrue(any(event == "step" and 'address="kept"' in fields and 'result="done"' in fields
                            for _, event, fields in lines), lines)
        self.assertNotIn(PASSWORD, done.stdout + done.stderr)

    def test_debug_has_http_requests_without_secrets(self):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
            threading.Thread(target=site.serve_forever, daemon=True).start()
            port = site.server_address[1]
            (self.home / "hadeploy.yaml").write_text(ASKING % (port, port))
            done = self.run_it("plan", "--log-level", "debug", no_proxy="*")
            site.shutdown()
        seen = [re.sub(r' ms="\d+"', ' ms="N"', re.sub(r'problem="Could[^"]*"', 'problem="..."', fields))
                for level, event, fields in self.lines(done.stderr) if (level, event) == ("debug", "http")]
        self.assertCountEqual(seen, [
            ' method="GET" url="(secret)" status="200" bytes="0" ms="N"',
            f' method="GET" url="http://127.0.0.1:{port}/moved" status="302" bytes="0" ms="N"',
            f' method="GET" url="http://127.0.0.1:{port}/here" status="200" bytes="0" ms="N"',
            ' method="GET" url="http://127.0.0.1:1/" bytes="0" problem="..." ms="N"',
        ], done.stderr)
        self.assertNotIn(TOKEN, done.stdout + done.stderr)

    def test_a_level_leaves_out_what_is_below_it(self):
        levels = {level for level, _, _ in self.lines(
            self.run_it("apply", "--auto-approve", HADEPLOY_LOG="error").stderr)}
        self.assertEqual(levels, {"error"})
        wrong = self.run_it("plan", HADEPLOY_LOG="loud")
        self.assertEqual(wrong.returncode, 64)
        self.assertIn("the levels are trace, debug, info, warn and error", wrong.stderr)

    def test_a_file_is_appended_to_and_only_the_user_reads_it(self):
        log = self.home / "run.log"
        first = self.run_it("apply", "--auto-approve", "--log-file", log)
        self.assertEqual(self.lines(first.stderr), [])
        self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o600)
        length = len(self.lines(log.read_text()))
        self.assertEqual(length, len(log.read_text().splitlines()), log.read_text())
        self.run_it("plan", "--log-file", log)
        self.assertGreater(len(self.lines(log.read_text())), length)
        self.assertNotIn(PASSWORD, log.read_text())

    def test_a_link_or_a_pipe_is_refused(self):
        os.mkfifo(self.home / "pipe")
        (self.home / "link").symlink_to(self.home / "elsewhere")
        for name in ("pipe", "link"):
            done = self.run_it("plan", "--log-file", self.home / name)
            self.assertEqual(done.returncode, 1, name)
            self.assertIn("choose a different file with --log-file", done.stderr)
        self.assertFalse((self.home / "elsewhere").exists())


if __name__ == "__main__":
    unittest.main()
