#!/usr/bin/env python3
"""The interactive console: on a terminal, with editing, history, completion and help.

usage: console_test.py HADEPLOY [unittest options]
"""
import os
import signal
import subprocess
import time
import unittest

from local_project import Project
from terminal import Terminal
import local_project

UP, LEFT, HOME, END, TAB = b"\x1b[A", b"\x1b[D", b"\x01", b"\x05", b"\t"


class ConsoleTest(Project):
    def setUp(self):
        super().setUp()
        self.spec("""
variables: {nodes: {type: list, default: [a, b]}}
locals: {size: 7}
resources:
  greeting: {type: local.value, input: hello}
""")

    def console(self):
        run = Terminal([local_project.HADEPLOY, "console"],
                       {"PATH": "/usr/bin:/bin", "HOME": str(self.path), "TERM": "xterm",
                        "LC_ALL": "C.UTF-8"}, self.path, rows=60)
        self.addCleanup(run.kill)
        run.until("Type help for help")
        self.prompted(run)
        return run

    def asked(self, run, keys, answer):
        """After these keys, the first line of output is the answer."""
        before = run.screen().count("\n" + answer + "\n")
        run.send(keys)
        run.until_true(lambda: (run.screen() + "\n").count("\n" + answer + "\n") > before, answer)
        self.prompted(run)

    def prompted(self, run):
        """Waits for the next prompt: input before it is not read as keys."""
        run.until_true(lambda: run.screen().rstrip(" ").endswith(">"), "the next prompt")
        run.until_raw()  # which the line editor sets after it has shown the prompt

    def test_what_does_not_exist_is_an_error_before_the_first_apply_too(self):
        def said(line):
            done = subprocess.run([local_project.HADEPLOY, "console"], cwd=self.path, input=line + "\n", text=True,
                                  capture_output=True, timeout=60, check=False)
            return done.stdout + done.stderr
        self.assertEqual(said("greeting.output"), "(known after apply)\n")
        for line in ("greeting.nothing", "local.sise", "var.nodes.x.y"):
            self.assertIn("error: ", said(line))
        self.assertEqual(said("[for greeting in var.nodes : greeting.nothing][0]").count("error"), 1)
        self.assertEqual(said("[for greeting in var.nodes : upper(greeting)][0]"), '"A"\n')

    def test_lines_can_be_edited(self):
        run = self.console()
        self.asked(run, b"1 + 2\r", "3")
        self.asked(run, b"12" + LEFT + b" + " + HOME + b"4" + END + b"0\r", "61")  # 41 + 20
        run.send(b"\x04")
        self.assertEqual(run.end(), 0)

    def test_there_is_a_history_also_in_the_next_session(self):
        self.apply()
        run = self.console()
        self.asked(run, b"40 + 2\r", "42")
        self.asked(run, b"1 + 1\r", "2")
        self.asked(run, UP + UP + b"\r", "42")
        run.send(b"exit\r")
        self.assertEqual(run.end(), 0)
        kept = self.path / ".hadeploy/console_history"
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        run = self.console()
        self.asked(run, UP + UP + b"\r", "42")  # the last one was exit
        run.send(b"\x04")
        self.assertEqual(run.end(), 0)

    def test_the_history_is_not_written_through_a_link(self):
        self.apply()
        target, kept = self.path / "target", self.path / ".hadeploy/console_history"
        target.write_text("precious\n")
        target.chmod(0o644)
        kept.symlink_to(target)
        run = self.console()
        self.asked(run, b"40 + 2\r", "42")
        run.send(b"\x04")
        self.assertEqual(run.end(), 0)
        self.assertEqual(target.read_text(), "precious\n")
        self.assertEqual(target.stat().st_mode & 0o777, 0o644)
        self.assertFalse(kept.is_symlink())
        self.assertIn("40", kept.read_text())

    def test_the_history_keeps_no_known_secret(self):
        self.spec("""
variables: {password: {type: string, secret: true, default: hunter2-hunter2}}
resources:
  greeting: {type: local.value, input: hello}
""")
        self.apply()
        run = self.console()
        self.asked(run, b'upper("hunter2-hunter2")\r', '"HUNTER2-HUNTER2"')
        self.asked(run, b"40 + 2\r", "42")
        run.send(b"\x04")
        self.assertEqual(run.end(), 0)
        kept = (self.path / ".hadeploy/console_history").read_text()
        self.assertNotIn("hunter2", kept)
        self.assertIn("40", kept)

    def test_ctrl_c_drops_the_line_and_then_leaves(self):
        run = self.console()
        run.send(b"1 + nonsense")
        run.until("nonsense")
        run.send(b"\x03")
        self.prompted(run)
        self.asked(run, b"2 * 3\r", "6")
        run.send(b"\x03")
        self.assertEqual(run.end(), 0)

    def test_ctrl_c_ends_what_an_expression_runs(self):
        self.spec("""
data:
  slow: {type: local.command, run: "echo $$ >pid; exec sleep 600"}
""")

        def begun():
            pid = self.path / "pid"
            return pid.exists() and pid.read_text().strip()

        def until_begun():
            deadline = time.monotonic() + 60
            while not begun():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            pid = int(begun())
            self.addCleanup(end, pid)
            (self.path / "pid").unlink()
            return pid

        def end(pid):
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

        def is_there(pid):
            try:
                os.killpg(pid, 0)
            except ProcessLookupError:
                return False
            return True

        run = self.console()
        run.send(b"data.slow.outputs.stdout\r")
        pid = until_begun()
        run.send(b"\x03")
        self.assertEqual(run.end(), 130, run.screen())
        self.assertFalse(is_there(pid))
        for words, line in ((["-e", "data.slow.outputs.stdout"], b""), ([], b"data.slow.outputs.stdout\n")):
            with self.subTest(words):
                one = subprocess.Popen([local_project.HADEPLOY, "console", *words], cwd=self.path,
                                       env={"PATH": "/usr/bin:/bin", "HOME": str(self.path)},
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
                self.addCleanup(one.kill)
                one.stdin.write(line)
                one.stdin.flush()
                pid = until_begun()
                one.send_signal(signal.SIGINT)
                with one:
                    out, err = one.communicate(timeout=60)
                self.assertEqual((one.returncode, out), (130, b""), err)
                self.assertFalse(is_there(pid))

    def test_words_are_completed(self):
        self.apply()
        run = self.console()
        self.asked(run, b"gree" + TAB + b".ou" + TAB + b"\r", '"hello"')
        self.asked(run, b"local.s" + TAB + b" * 6\r", "42")
        self.asked(run, b"length(var." + TAB + b")\r", "2")
        run.send(b"cidrs" + TAB + TAB)
        run.until("cidrsubnet(  cidrsubnets(")
        run.send(b"\x03")
        self.asked(run, '"für"\r'.encode(), '"für"')
        run.send(b"\x04")
        self.assertEqual(run.end(), 0)

    def test_help_and_errors(self):
        run = self.console()
        run.send(b"help\r")
        for text in ("resources: greeting", "variables: var.nodes", "locals: local.size", "Ctrl-R"):
            run.until(text)
        run.send(b"help trimprefix\r")
        run.until("trimprefix(text: string, prefix: string)")
        run.until("The text without the prefix, if it has it.")
        run.send(b"help trimprefx\r")
        run.until("did you mean trimprefix()?")
        run.send(b"nothing_such\r")
        run.until('nothing here is called "nothing_such"')
        self.asked(run, b"1 + 1\r", "2")
        run.send(b"\x04")
        self.assertEqual(run.end(), 0)


if __name__ == "__main__":
    unittest.main()
