#!/usr/bin/env python3
"""`hadeploy watch`: what it reports and repairs, its metrics and its webhook; `status --watch`.

usage: watch_test.py HADEPLOY [unittest options]
"""
import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from local_project import HADEPLOY, Project
import skips
from terminal import Terminal

MOST_SECONDS = 60
FILES = """resources:
  a: {type: local.file, path: a, content: one}
  b: {type: local.file, path: b, content: "${file('text')}"}
  base: {type: local.value, input: "${var.base}"}
  above: {type: local.file, path: above, content: fixed, depends_on: [base]}
"""
VARIABLES = "variables: {base: {type: string, default: x}}\n"
# cannot be made while a file `broken` exists; each attempt is counted
STUBBORN = """resources:
  stubborn:
    type: local.exec
    create: "echo attempt >>attempts; [ ! -e broken ] && : >made"
    read: "[ -e made ] || exit 44"
    delete: rm -f made
"""


class Receiver:
    """A webhook that fails as often as it is asked to."""

    def __init__(self, failures=0):
        self.messages, self.requests = [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests += 1
                good = outer.requests > failures
                if good:
                    outer.messages.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(200 if good else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token=Sesame-4711"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Running:
    """A watch in the background."""

    def __init__(self, path, *words, env=None):
        self.out = open(path / "watch.out", "wb+")
        self.err = open(path / "watch.err", "wb+")
        self.process = subprocess.Popen(
            [HADEPLOY, "watch", "--interval=5", *words], cwd=path, stdin=subprocess.DEVNULL, stdout=self.out,
            stderr=self.err, env={"PATH": os.environ["PATH"], "HOME": str(path), **(env or {})})

    @staticmethod
    def text(file):
        return pathlib.Path(file.name).read_text()

    def until(self, pattern, file=None, count=1):
        end = time.monotonic() + MOST_SECONDS
        while len(found := re.findall(pattern, self.text(file or self.out), re.M)) < count:
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"no {pattern}:\n{self.text(self.out)}{self.text(self.err)}")
            time.sleep(0.05)
        return found

    def lines(self):
        """Without time stamps."""
        return [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", "", line)
                for line in self.text(self.out).splitlines()]

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(MOST_SECONDS)
        self.out.close()
        self.err.close()
        return code


class WatchTest(Project):
    def applied(self, resources=FILES):
        self.write("text", "two")
        self.spec(VARIABLES + resources)
        self.apply()

    def start(self, *words, env=None):
        running = Running(self.path, *words, env=env)
        self.addCleanup(lambda: running.process.poll() is None and running.end(signal.SIGKILL))
        return running

    def metrics(self, running):
        url = running.until(r"metrics at (\S+)", running.err)[0]
        with urllib.request.urlopen(url, timeout=10) as answer:
            self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            return answer.read().decode()

    def once(self, *words, code=0, env=None):
        return self.run_it("watch", "--once", *words, code=code, env=env)

    def test_once_tells_drift_from_an_edited_spec(self):
        self.applied()
        text = self.once()
        self.assertIn("4 resources compared: all as in the spec\n", text)
        self.assertNotIn("drift", text)
        self.write("a", "changed outside")
        self.assertRegex(self.once(code=2), r"(?m)Z drift: a: sha256 differs$")
        self.apply()
        self.spec(VARIABLES + FILES.replace("content: one", "content: uno"))
        text = self.once()  # nothing has drifted
        self.assertRegex(text, r"(?m)Z pending: a: ")
        self.assertNotIn("drift", text)
        os.remove(self.path / "above")
        text = self.once(code=2)
        self.assertIn("4 resources compared: 2 as in the spec, 1 drifted, 1 pending\n", text)
        self.assertRegex(text, r"(?m)Z drift: above: it is gone$")
        self.assertRegex(text, r"(?m)Z pending: a: ")

    def test_a_local_file_of_the_spec_is_part_of_it(self):
        self.applied()
        self.write("text", "three")
        text = self.once()
        self.assertRegex(text, r"(?m)Z pending: b: ")
        self.assertNotIn("drift", text)

    def test_only_changes_are_reported(self):
        self.applied()
        running = self.start()
        running.until("4 resources compared: all as in the spec", running.err)
        self.write("a", "changed outside")
        running.until(" drift: a: ")
        os.remove(self.path / "above")
        running.until(" drift: above: ")
        self.apply()
        running.until(" in sync again: above$")
        self.assertEqual(running.lines(), [
            "drift: a: sha256 differs", "drift: above: it is gone", "in sync again: a",
            "in sync again: above"])
        self.assertEqual(running.end(), 0)

    def test_an_edited_spec_is_noticed_and_a_broken_one_is_no_end(self):
        self.applied()
        running = self.start("--listen=127.0.0.1:0")
        running.until("as in the spec", running.err)
        self.spec(VARIABLES + FILES + "  c: {type: local.file, path: c, content: three}\n")
        running.until(" pending: c: ")
        self.write("hadeploy.yaml", "name: test\nresources: {c: {type: local.fie}}\n")
        running.until(" cannot compare: hadeploy.yaml:2:")
        self.assertIn("hadeploy_watch_last_round_success 0", self.metrics(running))
        self.spec(VARIABLES + FILES)
        running.until(" compares again$")
        self.assertIn("in sync again: c", running.lines())
        self.assertFalse(self.there("c"))
        self.assertEqual(running.end(signal.SIGINT), 130)

    def test_repair(self):
        self.applied()
        self.write("a", "changed outside")
        os.remove(self.path / "above")
        text = self.once("--repair")
        self.assertRegex(text, r"(?m)Z repaired: a$")
        self.assertRegex(text, r"(?m)Z in sync again: above$")
        self.assertEqual([self.read("a"), self.read("above")], ["one", "fixed"])
        self.assertRegex(self.run_it("history"), r"watch --repair .* done")

    def test_repair_makes_no_pending_change(self):
        self.applied()
        self.write("a", "changed outside")
        os.remove(self.path / "above")
        self.spec(VARIABLES.replace("default: x", "default: y") + FILES.replace("path: b", "path: b2"))
        text = self.once("--repair", code=2)
        self.assertEqual(self.read("a"), "one")
        # the dependency is pending, so above waits for a person
        self.assertRegex(text, r"drift: above: it is gone \(not repaired by hadeploy watch: its "
                               r"dependency base does not match the spec\)")
        self.assertFalse(self.there("above"))
        self.assertFalse(self.there("b2"))
        self.assertEqual(self.read("b"), "two")
        self.assertRegex(self.run_it("state", "show", "base"), r'input = "?x"?\n')

    def test_repair_replaces_nothing_and_loses_nothing(self):
        self.spec("""resources:
  d: {type: local.directory, path: d, force: true}
  x:
    type: local.exec
    create: "echo ${self_text} >made"
    read: "[ -e made ] || exit 44; cat made"
    delete: "rm made; echo deleted >>log"
""".replace("${self_text}", "old"))
        self.apply()
        shutil.rmtree(self.path / "d")
        text = self.once("--repair", code=2)
        self.assertRegex(text, r"drift: d: it is gone \(not repaired by hadeploy watch: .* is gone\)")
        self.assertFalse(self.there("d"))
        self.assertFalse(self.there("log"))

    def test_a_failed_repair_is_repeated_after_a_growing_pause(self):
        self.applied(STUBBORN)
        self.write("broken", "")
        os.remove(self.path / "made")
        os.remove(self.path / "attempts")
        running = self.start("--repair", "--listen=127.0.0.1:0")
        running.until("repair failed: stubborn: .*; next attempt in 5[.]0s$")
        running.until("repair failed: stubborn: .*; next attempt in 10s$")
        text = self.metrics(running)
        self.assertIn('hadeploy_repairs_total{result="failed"} 2', text)
        self.assertIn('hadeploy_resources{state="drifted"} 1', text)
        rounds = int(re.search(r"rounds_total (\d+)", text)[1])
        while int(re.search(r"rounds_total (\d+)", self.metrics(running))[1]) < rounds + 1:
            time.sleep(0.1)
        self.assertEqual(self.read("attempts").count("attempt"), 2)  # not in each round
        os.remove(self.path / "broken")
        running.until(" repaired: stubborn$")
        running.until(" in sync again: stubborn$")
        self.assertEqual(running.end(), 0)

    def test_another_run_holds_the_lock(self):
        self.applied(FILES + """  slow:
    type: local.exec
    create: ": >begun; until [ -e go ]; do sleep 0.05; done; : >slow"
    read: "[ -e slow ] || exit 44"
    delete: rm -f slow
""".replace("until [ -e go ]; do sleep 0.05; done; ", ""))
        self.write("a", "changed outside")
        os.remove(self.path / "slow")
        spec = self.read("hadeploy.yaml")
        self.write("hadeploy.yaml", spec.replace(": >begun; : >slow", "until [ -e go ]; do sleep 0.05; done; : >slow"))
        other = subprocess.Popen([HADEPLOY, "apply", "--auto-approve", "--target=slow"], cwd=self.path,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env={"PATH": os.environ["PATH"], "HOME": str(self.path)})
        self.addCleanup(other.wait)
        self.addCleanup((self.path / "go").touch)
        running = self.start("--repair")
        running.until(f" repair postponed: .*{other.pid}")
        self.assertEqual(self.read("a"), "changed outside")
        (self.path / "go").touch()
        running.until(" repaired: a$")
        self.assertEqual(sum("postponed" in line for line in running.lines()), 1)
        self.assertEqual(running.end(), 0)

    def test_metrics(self):
        self.applied()
        running = self.start("--listen=127.0.0.1:0")
        running.until("as in the spec", running.err)
        end = time.monotonic() + MOST_SECONDS
        while "rounds_total 0" in (text := self.metrics(running)) and time.monotonic() < end:
            time.sleep(0.05)
        for line in ('hadeploy_watch_info{project="test",version="', "hadeploy_watch_rounds_total 1",
                     "hadeploy_watch_last_round_success 1", 'hadeploy_resources{state="in_sync"} 4',
                     'hadeploy_resources{state="drifted"} 0', 'hadeploy_resources{state="unreadable"} 0',
                     'hadeploy_repairs_total{result="done"} 0'):
            self.assertIn(line, text)
        at = float(re.search(r"last_round_timestamp_seconds ([\d.]+)", text)[1])
        self.assertLess(abs(time.time() - at), MOST_SECONDS)
        url = running.until(r"metrics at (\S+)/metrics", running.err)[0]
        for path, method, code in (("/", "GET", 404), ("/metrics", "POST", 405)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(url + path, method=method), timeout=10)
            self.assertEqual(refused.exception.code, code)
            refused.exception.close()
        port = int(url.rsplit(":", 1)[1])
        with contextlib.ExitStack() as stack:  # a client that says nothing, and one that says too much
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            much = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            with contextlib.suppress(OSError):
                much.sendall(b"GET /" + b"x" * 1_000_000)
            self.assertIn("hadeploy_watch_info", self.metrics(running))
        with contextlib.ExitStack() as stack:  # of many that do not finish, the oldest go first
            idle = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
                    for _ in range(200)]
            for client in idle[::2]:
                with contextlib.suppress(OSError):
                    client.sendall(b"GET /metr")
            self.assertIn("hadeploy_watch_info", self.metrics(running))
        self.assertEqual(running.end(), 0)

    def test_promtool_accepts_the_metrics(self):
        if not shutil.which("promtool"):
            self.skipTest("no promtool")
        self.applied()
        running = self.start("--listen=127.0.0.1:0")
        done = subprocess.run(["promtool", "check", "metrics"], input=self.metrics(running), text=True,
                              capture_output=True, timeout=MOST_SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        running.end()

    def test_a_port_in_use(self):
        self.applied()
        with socket.create_server(("127.0.0.1", 0)) as other:
            text = self.once(f"--listen=127.0.0.1:{other.getsockname()[1]}", code=1)
        self.assertIn("cannot listen on http://127.0.0.1:", text)

    def test_webhook(self):
        receiver = Receiver(failures=2)
        self.addCleanup(receiver.stop)
        self.applied()
        self.write("a", "changed outside")
        log = self.path / "log"
        for words, env in (((f"--webhook={receiver.url}",), {}), ((), {"HADEPLOY_WEBHOOK": receiver.url})):
            receiver.messages.clear()
            text = self.once(*words, "--log-level=trace", f"--log-file={log}", code=2, env=env)
            (path, kind, message), = receiver.messages
            self.assertEqual((path, kind), ("/hook?token=Sesame-4711", "application/json"))
            self.assertEqual([message["project"], message["event"]], ["test", "drift"])
            self.assertEqual(message["resources"], [{"address": "a", "text": "sha256 differs"}])
            self.assertNotIn("Sesame", text + log.read_text())
        self.assertEqual(receiver.requests, 4)  # two refused ones were repeated

    def test_a_webhook_that_does_not_answer(self):
        self.applied()
        self.write("a", "changed outside")
        with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
            running = self.start(f"--webhook=http://127.0.0.1:{silent.getsockname()[1]}/Sesame-4711")
            running.until(" drift: a: ")
            self.apply()
            running.until(" in sync again: a$")  # no round is delayed
            self.assertEqual(running.end(), 0)
            self.assertNotIn("Sesame", pathlib.Path(running.err.name).read_text())
        closed = f"http://127.0.0.1:1/Sesame-4711"
        self.write("a", "changed outside")
        text = self.once("--webhook=" + closed, code=2)
        self.assertIn("the webhook did not accept a message: ", text)
        self.assertNotIn("Sesame", text)

    def test_secrets_are_in_no_message(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.spec("variables: {word: {type: string, secret: true}}\n"
                  "resources: {x: {type: local.exec, environment: {W: '${var.word}'}, create: ': >x', "
                  "read: '[ ! -e broken ] || { echo $W broke >&2; exit 1; }; [ -e x ] || exit 44', delete: rm x}}\n")
        secret = {"HADEPLOY_VAR_word": "Canary-0815"}
        self.run_it("apply", "--auto-approve", env=secret)
        self.write("broken", "")
        text = self.once(f"--webhook={receiver.url}", code=69, env=secret)
        self.assertRegex(text, r"Z cannot be read: x: ")
        self.assertNotIn("Canary", text + json.dumps(receiver.messages))
        self.assertEqual(receiver.messages[0][2]["event"], "unreadable")

    def test_json(self):
        self.applied()
        self.write("a", "changed outside")
        lines = [json.loads(line) for line in self.once("--json", code=2).splitlines() if line.startswith("{")]
        self.assertEqual([(m["type"], m["address"], m["@level"]) for m in lines], [("watch_drift", "a", "warn")])


class StatusWatchTest(Project):
    def test_blocks_in_a_pipe(self):
        self.spec(VARIABLES + "resources: {a: {type: local.file, path: a, content: one}}\n")
        self.apply()
        process = subprocess.Popen([HADEPLOY, "status", "--watch", "--interval=1"], cwd=self.path, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   env={"PATH": os.environ["PATH"], "HOME": str(self.path)})
        seen = ""
        for line in process.stdout:
            seen += line
            if seen.count("Everything matches the spec.") == 1 and self.read("a") == "one":
                self.write("a", "changed outside")
            if "1 resource differs" in seen:
                break
        self.assertGreaterEqual(len(re.findall(r"(?m)^\d{4}-.*Z, every 1 s$", seen)), 2)
        self.assertNotIn("\x1b", seen)
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        self.assertEqual(process.wait(MOST_SECONDS), 130)

    def test_redraws_on_a_terminal(self):
        self.spec("resources: {a: {type: local.file, path: a, content: one}}\n")
        self.apply()
        terminal = Terminal([HADEPLOY, "status", "--watch", "--interval=1"],
                            {"PATH": os.environ["PATH"], "HOME": str(self.path), "TERM": "xterm"}, self.path)
        self.addCleanup(terminal.kill)
        terminal.until_true(lambda: terminal.shown.count(b"\x1b[H\x1b[2J") >= 2, "a second block")
        terminal.send(b"\x03")
        self.assertEqual(terminal.end(), 130)


class UnitTest(unittest.TestCase):
    """The systemd unit, as installed."""

    def test_installed_and_valid(self):
        build = pathlib.Path(HADEPLOY).parent
        with tempfile.TemporaryDirectory(prefix="hadeploy-unit-") as made:
            subprocess.run(["cmake", "--install", build / "src" / "cli", "--prefix", made], check=True,
                           stdout=subprocess.DEVNULL, timeout=MOST_SECONDS)
            unit = pathlib.Path(made) / "lib" / "systemd" / "system" / "hadeploy-watch@.service"
            text = unit.read_text()
            program = re.search(r"(?m)^ExecStart=(\S+) watch", text)[1]
            self.assertTrue(program.endswith("/bin/hadeploy"))
            self.assertTrue(os.access(pathlib.Path(made) / "bin" / "hadeploy", os.X_OK))
            if not shutil.which("systemd-analyze"):
                self.skipTest("no systemd-analyze")
            project = pathlib.Path(made) / "a site"
            project.mkdir()
            name = subprocess.run(["systemd-escape", "--path", "--template", "hadeploy-watch@.service", project],
                                  check=True, capture_output=True, text=True).stdout.strip()
            tried = pathlib.Path(made) / name
            tried.write_text(text.replace(program, HADEPLOY))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", tried], capture_output=True, text=True,
                                  timeout=MOST_SECONDS, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    skips.main()
