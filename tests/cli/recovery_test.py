#!/usr/bin/env python3
"""The recovery of a lost state, by the commands of docs/backup.md as they are there.

usage: recovery_test.py HADEPLOY [unittest options]
"""
import os
import pathlib
import shutil
import subprocess
import unittest

from document import blocks
from local_project import HADEPLOY, Project

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "backup.md"
SPEC = """resources:
  file: {type: local.file, path: file, content: "the word is ${var.word}"}
  word: {type: random.password, length: 20}
  script:
    type: local.exec
    environment: {W: "${word.result}"}
    create: ": >script; echo made >>log"
    read: "[ -e script ] || exit 44"
    delete: rm -f script
outputs: {said: "${file.path}"}
"""


def steps():
    """The shell commands of the document by the heading above them."""
    out = {}
    for heading, block in blocks(DOCUMENT, "sh"):
        out[heading] = out.get(heading, "") + block
    return out


class RecoveryTest(Project):
    def setUp(self):
        super().setUp()
        self.path = self.path / "project"
        self.path.mkdir()
        self.spec("variables: {word: {type: string, default: sesame}}\n" + SPEC)
        self.apply()
        self.done = set()

    def follow(self, heading):
        self.done.add(heading)
        done = subprocess.run(["sh", "-euc", steps()[heading]], cwd=self.path, capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL,
                              env={"PATH": f"{os.path.dirname(HADEPLOY)}:{os.environ['PATH']}", "HOME": str(self.path)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def lose_the_state(self):
        self.assertTrue(self.there(".hadeploy/state.db"))
        shutil.rmtree(self.path / ".hadeploy")

    def state(self):
        return self.run_it("state", "list"), self.run_it("output", "--json"), self.run_it("state", "show", "script")

    def test_every_step_of_the_document_is_followed(self):
        self.assertEqual(set(steps()), {"Export", "Recover from an export", "Copy", "Recover from a copy",
                                        "Without the state"})

    def test_an_export(self):
        before = self.state()
        self.follow("Export")
        self.lose_the_state()
        self.assertIn("Nothing to change", self.follow("Recover from an export"))
        self.assertEqual(self.state(), before)
        self.apply()
        self.assertEqual(self.read("log"), "made\n")  # nothing was created twice

    def test_an_export_needs_its_key(self):
        self.follow("Export")
        self.lose_the_state()
        (self.path.parent / "state.key").unlink()
        text = self.run_it("state", "push", "../state.json", code=1)
        self.assertIn("key", text)
        self.assertFalse(self.there(".hadeploy/state.db"))

    def test_a_copy(self):
        before = self.state()
        history = self.run_it("history")
        self.follow("Copy")
        self.lose_the_state()
        self.assertIn("Nothing to change", self.follow("Recover from a copy"))
        self.assertEqual((self.state(), self.run_it("history")), (before, history))

    def test_a_copy_replaces_a_damaged_state(self):
        before = self.state()
        self.follow("Copy")
        (self.path / ".hadeploy" / "state.db").write_bytes(b"damaged" * 1000)
        (self.path / ".hadeploy" / "state.db-wal").write_bytes(b"damaged" * 1000)
        self.assertIn("Nothing to change", self.follow("Recover from a copy"))
        self.assertEqual(self.state(), before)

    def test_a_copy_from_before_the_last_run(self):
        self.follow("Copy")
        self.spec("variables: {word: {type: string, default: tulip}}\n" + SPEC +
                  "  # no change below\n")
        self.apply()
        self.lose_the_state()
        text = self.follow("Recover from a copy")
        self.assertNotIn("destroy", text)
        self.apply()
        self.assertEqual(self.read("file"), "the word is tulip")
        self.assertIn("Nothing to change", self.run_it("plan"))

    def test_no_backup(self):
        self.follow("Without the state")
        self.assertEqual(self.read("file"), "the word is sesame")  # adopted
        self.assertIn("Nothing to change", self.run_it("plan"))


if __name__ == "__main__":
    unittest.main()
