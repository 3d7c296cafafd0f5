#!/usr/bin/env python3
"""The hooks of .githooks, in a temporary repository: which commits they accept and refuse."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
GOOD = [
    "planner: report all cycles",
    "planner, cli: report all cycles",
    "host.package: accept virtual packages",
    "scripts/test: run the fuzzers with --all only",
    "state push: take a state edited by hand with --edited",
    "ssh: pass the port on",
    "build: embed scripts\n\nThey are checked by shellcheck.",
    "docs: explain the lock # which is a file\n# a comment of git's",
    "a: " + "b" * 69,
    "Merge branch 'other'",
    'Revert "planner: report all cycles"',
    "fixup! planner: report all cycles",
    "cli: show it\n\nbody\n# ------------------------ >8 ------------------------\n+diff without a form\n",
]
BAD = {
    "report all cycles": "the form `area: summary`",
    "Planner: report all cycles": "the form `area: summary`",
    "planner:report all cycles": "the form `area: summary`",
    "wip": "the form `area: summary`",
    "planner: reported all cycles": "imperative",
    "planner: reports all cycles": "imperative",
    "planner: reporting all cycles": "imperative",
    "planner: Report all cycles": "lower-case",
    "planner: report all cycles.": "without a period",
    "a: " + "b" * 70: "has 73 characters",
    "planner: report all cycles\nnot only the first": "the second line is blank",
}


class Hooks(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-hooks-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        # A hook sets GIT_DIR and more, and this test may run in one.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {
            "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
        self.git("init", "-q")
        self.git("config", "core.hooksPath", str(SOURCE / ".githooks"))

    def run_git(self, *arguments, text=None):
        return subprocess.run(["git", *arguments], cwd=self.path, env=self.environment, input=text, text=True,
                              capture_output=True, timeout=60)

    def git(self, *arguments):
        done = self.run_git(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def commit(self, message):
        return self.run_git("commit", "--allow-empty", "--cleanup=verbatim", "-F", "-", text=message)

    def test_good_messages(self):
        for message in GOOD:
            with self.subTest(message):
                done = self.commit(message)
                self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(int(self.git("rev-list", "--count", "HEAD")), len(GOOD))

    def test_bad_messages(self):
        for message, reason in BAD.items():
            with self.subTest(message):
                done = self.commit(message)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(reason, done.stderr)
                self.assertIn("CONTRIBUTING.md", done.stderr)
        self.assertNotEqual(self.run_git("rev-parse", "--verify", "HEAD").returncode, 0)

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def test_staged_sources_are_formatted(self):
        self.write(".clang-format", (SOURCE / ".clang-format").read_text())
        source = self.write("src/a b.cpp", "int  main( ){ }\n")
        self.git("add", "--all")
        source.write_text("int main() {}\n")  # the work tree is not what is committed
        done = self.commit("a: add a file")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("clang-format", done.stderr)
        self.git("add", "--all")
        source.write_text("int  main( ){ }\n")
        self.assertEqual(self.commit("a: add a file").returncode, 0)

    def test_staged_scripts_and_lints(self):
        script = self.write("scripts/a", "#!/bin/sh\necho $1\n")
        self.git("add", "--all")
        done = self.commit("a: add a script")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("SC2086", done.stdout + done.stderr)
        script.write_text('#!/bin/sh\necho "$1"\n')
        lint = self.write("tests/lint/includes.py", "print('a breach')\nraise SystemExit(1)\n")
        self.git("add", "--all")
        done = self.commit("a: add a script")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("a breach", done.stderr)
        lint.write_text("print('fine')\n")
        self.git("add", "--all")
        self.assertEqual(self.commit("a: add a script").returncode, 0)

    def test_phrases_in_staged_files(self):
        self.write("tests/lint/phrases.py", (SOURCE / "tests/lint/phrases.py").read_text())
        self.write("docs/old.md", "It is done an" + "ew.\n")
        self.git("add", "--all")
        self.git("commit", "-q", "--no-verify", "-m", "a: add files")
        self.write("tests/fuzz/corpus/a", "an" + "ew\n")  # not written here
        self.git("add", "--all")
        self.assertEqual(self.commit("a: add an input").returncode, 0)
        text = self.write("docs/new text.md", "It is done an" + "ew.\n")
        self.git("add", "--all")
        done = self.commit("a: add a text")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('docs/new text.md:1: "anew": again', done.stderr)  # phrases: keep
        self.assertNotIn("old.md", done.stderr)
        text.write_text("It is done again.\n")
        self.git("add", "--all")
        self.assertEqual(self.commit("a: add a text").returncode, 0)


if __name__ == "__main__":
    missing = [tool for tool in ("git", "clang-format", "shellcheck") if shutil.which(tool) is None]
    if missing:
        print(f"SKIPPED: needs {', '.join(missing)}")
        sys.exit(77)
    unittest.main()
