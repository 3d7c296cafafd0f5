#!/usr/bin/env python3
"""Ctrl-C: the first one lets running steps finish and starts nothing new, the second one exits immediately; the
next run continues after either.

usage: signal_test.py HADEPLOY [unittest options]
"""
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import skips
from terminal import Terminal, talk

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
MOST_SECONDS = 60
NAMESPACE = subprocess.run(["unshare", "-p", "-f", "--mount-proc", "true"], capture_output=True,
                           check=False).returncode == 0

# Scripts write to `log` and end when the test lets them.
SPEC = """
name: signals
resources:
  slow:
    type: local.exec
    create: |
      echo begun >>log
      for i in $(seq 3000); do [ -e go ] && break; sleep 0.02; done
      echo ended >>log
      : >slow
    read: "[ -e slow ] || exit 44"
    delete: |
      echo removing >>log
      for i in $(seq 3000); do [ -e go ] && break; sleep 0.02; done
      rm -f slow
  after:
    type: local.exec
    create: ": >after"
    read: "[ -e after ] || exit 44"
    delete: rm -f after
    depends_on: [slow]
"""


class SignalTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-signal-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.environment = {"PATH": os.environ["PATH"], "HOME": directory.name}
        (self.path / "hadeploy.yaml").write_text(SPEC)

    def start(self, *words, inside=()):
        run = subprocess.Popen([*inside, HADEPLOY, *words], cwd=self.path, env=self.environment, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)

        def end():
            (self.path / "go").touch()
            try:
                run.communicate(timeout=MOST_SECONDS)
            except subprocess.TimeoutExpired:
                run.kill()
        self.addCleanup(end)
        return run

    def run_it(self, *words, status=0):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=MOST_SECONDS)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def until(self, condition, what):
        deadline = time.monotonic() + MOST_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"waited in vain for: {what}")
            time.sleep(0.02)

    def log(self):
        file = self.path / "log"
        return file.read_text().split() if file.exists() else []

    def intents(self):
        with sqlite3.connect(f"file:{self.path}/.hadeploy/state.db?mode=ro", uri=True) as db:
            return db.execute("SELECT address, action FROM intents").fetchall()

    def until_it_waits(self, run):
        said = ""
        while "this machine: waiting for a script started by an earlier run (process " not in said:
            line = run.stderr.readline()
            self.assertTrue(line, said)
            said += line
        time.sleep(0.5)  # enough time to start it again
        self.assertIsNone(run.poll())

    def interrupt(self, run, number=signal.SIGINT):
        """Signals the whole foreground group, as a terminal does."""
        os.killpg(run.pid, number)

    def ended(self, run, status):
        out, err = run.communicate(timeout=MOST_SECONDS)
        self.assertEqual(run.returncode, status, out + err)
        return out, err

    def test_the_first_lets_what_runs_end(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                run = self.start("apply", "--auto-approve")
                self.until(lambda: self.log()[-1:] == ["begun"], "the work")
                self.interrupt(run, number)
                said = ""
                while "stopping: running steps are finished" not in said:
                    line = run.stderr.readline()
                    self.assertTrue(line, said)
                    said += line
                (self.path / "go").touch()
                out, _ = self.ended(run, 130)
                self.assertIn("Interrupted after", out)
                self.assertEqual(self.log()[-2:], ["begun", "ended"])
                self.assertEqual(self.run_it("state", "list").split(), ["slow"])
                self.assertFalse((self.path / "after").exists())
                self.assertEqual(self.intents(), [])
                runs = [json.loads(line) for line in self.run_it("history", "--json").splitlines()]
                self.assertEqual(runs[-1]["result"], "interrupted")
                self.run_it("apply", "--auto-approve")
                self.assertEqual(self.log()[-2:], ["begun", "ended"])  # it was not created again
                self.assertTrue((self.path / "after").exists())
                self.run_it("plan", "--detailed-exitcode")
                self.run_it("destroy", "--auto-approve")
                (self.path / "go").unlink()

    def test_a_large_file_that_is_looked_at_is_not_read_to_its_end(self):
        (self.path / "hadeploy.yaml").write_text(
            "name: signals\nresources:\n  disk: {type: libvirt.volume, name: d, pool: p, file: large}\n")
        with open(self.path / "large", "wb") as file:
            file.truncate(4 << 40)  # sparse
        for command in ("validate", "plan"):
            with self.subTest(command):
                run = self.start(command)
                self.until(lambda: self.user_ticks(run) > 20, "the file being read")
                self.interrupt(run)
                _, said = self.ended(run, 130)
                self.assertIn("Interrupted: nothing was changed.", said)

    @staticmethod
    def user_ticks(run):
        return int(pathlib.Path(f"/proc/{run.pid}/stat").read_text().rpartition(")")[2].split()[11])

    def terminal(self, *words):
        made = Terminal([HADEPLOY, *words], {**self.environment, "TERM": "xterm"}, self.path)
        self.addCleanup(made.kill)
        return made

    def test_on_a_terminal_lines_that_last_say_what_is_open(self):
        """The redrawn block is gone at the end; the answer to Ctrl-C is permanent."""
        run = self.terminal("apply", "--auto-approve")
        self.until(lambda: self.log() == ["begun"], "the work")
        run.send(b"\x03")
        run.until("stopping: running steps are finished, nothing new is started")
        (self.path / "go").touch()
        self.assertEqual(run.end(), 130, run.screen())
        self.assertRegex(run.screen(), r"stopping: running steps are finished, .*\n(.*\n)?"
                                       r"    slow  creating, \d")
        self.assertRegex(run.screen(), r"slow  created")
        self.assertIn("Interrupted after", run.screen())

    def test_on_a_terminal_the_second_says_what_stays_open(self):
        run = self.terminal("apply", "--auto-approve")
        self.until(lambda: self.log() == ["begun"], "the work")
        run.send(b"\x03")
        run.until("stopping: ")
        run.send(b"\x03")
        self.assertEqual(run.end(), 130)
        self.assertRegex(run.screen(), r"exited immediately: these steps can be incomplete, .*\n"
                                       r"    slow  creating, \d.*\n"
                                       r"The state records that this step is open: the next plan or "
                                       r"apply reads it and continues from there.")
        self.assertEqual(self.intents(), [("slow", "create")])
        (self.path / "go").touch()

    def test_what_failed_before_is_printed_in_full(self):
        """After one and two signals, on a terminal and in a pipe."""
        (self.path / "hadeploy.yaml").write_text(SPEC + """
  broken:
    type: local.exec
    create: |
      for i in $(seq 12); do echo "line $i of the error" >&2; done
      exit 7
    read: "exit 44"
""")
        for presses in (1, 2):
            for terminal in (True, False):
                with self.subTest(presses=presses, terminal=terminal):
                    run = (self.terminal if terminal else self.start)("apply", "--auto-approve")
                    self.until(lambda: self.log()[-1:] == ["begun"], "the work")
                    if terminal:
                        run.until("failed: ")
                    else:
                        said = ""
                        while "FAILED" not in said:
                            said += run.stderr.readline()
                    for _ in range(presses):
                        run.send(b"\x03") if terminal else self.interrupt(run)
                        time.sleep(0.3)
                    if presses == 1:
                        (self.path / "go").touch()
                    if terminal:
                        self.assertEqual(run.end(), 130)
                        text = run.screen()
                    else:
                        text = "".join(self.ended(run, 130))
                    for n in range(1, 13):
                        self.assertIn(f"line {n} of the error", text)
                    self.assertIn("resource: broken", text)
                    (self.path / "go").touch()
                    self.run_it("destroy", "--auto-approve")
                    (self.path / "go").unlink()
                    (self.path / "log").unlink()

    def test_while_it_only_looks_one_is_enough(self):
        """Before any change, reads that do not answer are cancelled."""
        (self.path / "hadeploy.yaml").write_text("""
name: signals
resources:
  silent: {type: local.exec, create: ":", read: "echo looking >>log; sleep 600"}
""")
        for words in (("plan",), ("apply", "--auto-approve"), ("why", "silent")):
            with self.subTest(words):
                run = self.start(*words)
                self.until(lambda: self.log(), "the look")
                self.interrupt(run)
                _, err = self.ended(run, 130)
                self.assertIn("stopping: nothing was changed", err)
                self.assertIn("Interrupted: nothing was changed.", err)
                (self.path / "log").unlink()

    def test_a_look_between_changes_is_not_waited_for(self):
        """The first signal cancels reads of data during apply, as in a plan."""
        (self.path / "hadeploy.yaml").write_text("""
name: signals
resources:
  first: {type: local.exec, create: ":"}
  last: {type: local.value, input: "${data.slow.outputs.stdout}"}
data:
  slow: {type: local.command, run: "echo looking >>log; sleep 600", depends_on: [first]}
""")
        run = self.start("apply", "--auto-approve")
        self.until(lambda: self.log() == ["looking"], "the look")
        self.interrupt(run)
        out, err = self.ended(run, 130)
        self.assertIn("Interrupted after", out + err)
        self.assertEqual(self.run_it("state", "list").split(), ["first"])
        self.assertEqual(self.intents(), [])

    def test_a_pause_before_another_try_is_not_waited_for(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]  # nobody listens
            (self.path / "hadeploy.yaml").write_text(
                f"name: signals\ndata: {{a: {{type: http, url: 'http://127.0.0.1:{port}/', retries: 1, "
                f"retry_delay: 10m}}}}\noutputs: {{a: '${{data.a.status_code}}'}}\n")
            run = self.start("plan", "--progress", "plain")
            self.assertIn("reading", run.stderr.readline())
            time.sleep(0.5)  # it is waiting for the next try now
            self.interrupt(run)
            self.ended(run, 130)

    def test_the_second_leaves_at_once(self):
        self.run_it("plan", "--out", "saved")
        run = self.start("apply", "--auto-approve")
        self.until(lambda: self.log() == ["begun"], "the work")
        self.interrupt(run)
        self.until(lambda: "stopping" in run.stderr.readline(), "a word")
        self.interrupt(run)
        _, err = self.ended(run, 130)
        self.assertIn("exited immediately: these steps can be incomplete", err)
        self.assertEqual(self.log(), ["begun"])  # the script continues without hadeploy
        self.assertEqual(self.intents(), [("slow", "create")])
        # nothing is recorded yet, but the earlier plan is stale
        refused = self.start("apply", "saved")
        _, said = self.ended(refused, 1)
        self.assertEqual(said, "error: the saved plan is stale: a later run was interrupted and has to "
                               "be completed first\n  hint: run plan again\n")
        # the next run waits for it, and so does a plan; then the interrupted create is
        # run again, not in parallel
        looks, again = self.start("plan"), self.start("apply", "--auto-approve")
        self.until_it_waits(looks)
        self.until_it_waits(again)
        (self.path / "go").touch()
        self.ended(again, 0)
        self.ended(looks, 0)
        self.assertEqual(self.log(), ["begun", "ended"] * 2)
        self.assertEqual(self.intents(), [])
        self.assertEqual(self.run_it("state", "list").split(), ["after", "slow"])
        self.run_it("plan", "--detailed-exitcode")

    @unittest.skipUnless(NAMESPACE, "needs PID namespaces")
    def test_a_killed_run_is_waited_for_from_another_pid_namespace(self):
        """As from another container, where the script's process is not visible."""
        run = self.start("apply", "--auto-approve")
        self.until(lambda: self.log() == ["begun"], "the work")
        run.kill()
        run.wait()
        again = self.start("apply", "--auto-approve", inside=["unshare", "-p", "-f", "--mount-proc"])
        said = ""
        while "waiting for a script started by an earlier run" not in said:
            line = again.stderr.readline()
            self.assertTrue(line, said)
            said += line
        time.sleep(0.5)  # enough time to start it again
        self.assertIsNone(again.poll())
        self.assertEqual(self.log(), ["begun"])
        (self.path / "go").touch()
        self.ended(again, 0)
        self.assertEqual(self.log(), ["begun", "ended"] * 2)

    def test_what_a_script_leaves_in_the_background_is_not_waited_for(self):
        (self.path / "hadeploy.yaml").write_text("""name: signals
resources:
  a: {type: local.exec, create: "sleep 600 >/dev/null 2>&1 & echo $! >pid"}
""")
        self.run_it("apply", "--auto-approve")
        self.addCleanup(os.kill, int((self.path / "pid").read_text()), signal.SIGKILL)
        self.assertIn("Nothing to change", self.run_it("plan"))

    def test_the_first_ends_what_only_looks(self):
        """A plan has no changes that would have to finish."""
        with socket.socket() as silent:  # a host that accepts and never greets
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            host = f"""
  host:
    type: ssh.host
    address: 127.0.0.1
    port: {silent.getsockname()[1]}
    host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
"""
            command = """
  a: {type: local.exec, create: ":", read: "echo looking >>log; sleep 600"}
"""
            for what, spec in (("a command", command), ("a connection", host)):
                for words in (("plan",), ("apply", "--auto-approve")):
                    with self.subTest(what, words=words):
                        (self.path / "log").unlink(missing_ok=True)
                        (self.path / "hadeploy.yaml").write_text(
                            "name: signals\nproviders: {ssh: {connect_timeout: 10m}}\n"
                            "resources:" + spec)
                        run = self.start(*words)
                        if spec is command:
                            self.until(lambda: self.log() == ["looking"], "the look")
                        else:
                            silent.accept()[0].detach()  # and stays open
                        self.interrupt(run)
                        self.ended(run, 130)

    def test_at_the_question(self):
        """Nothing runs yet: one Ctrl-C is enough, and any answer except yes cancels."""
        for answer, code in ((b"\x03", 130), (b"no\n", 1), (b"\n", 1), (b"\x04", 1)):
            status, shown = talk([HADEPLOY, "apply"], [(b'Type "yes" to continue: ', answer)],
                                 self.environment, self.path)
            self.assertEqual(status, code, shown)
            if code == 1:
                self.assertIn(b"Cancelled: nothing was changed.", shown)
            self.assertEqual(self.log(), [])
            self.assertEqual(self.run_it("history"), "Nothing has been applied yet.\n")

    def test_a_destroy_likewise(self):
        (self.path / "go").touch()
        self.run_it("apply", "--auto-approve")
        (self.path / "go").unlink()
        run = self.start("destroy", "--auto-approve")
        self.until(lambda: self.log()[-1] == "removing", "the removal")
        for _ in range(2):
            self.interrupt(run)
            time.sleep(0.2)
        self.ended(run, 130)
        self.assertEqual(self.intents(), [("slow", "remove")])
        again = self.start("destroy", "--auto-approve")
        self.until_it_waits(again)
        (self.path / "go").touch()
        out, _ = self.ended(again, 0)
        self.assertIn("      remove  slow\n", out)  # begun by an earlier run
        self.assertEqual(self.log().count("removing"), 1)
        self.assertEqual(self.intents(), [])
        self.assertEqual(self.run_it("state", "list"), "")


if __name__ == "__main__":
    skips.main()
