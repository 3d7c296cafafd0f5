#!/usr/bin/env python3
"""Rules of a spec as users see them: checks that warn, kept objects, ignored parts.

usage: rules_test.py HADEPLOY [unittest options]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"


class RulesTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-rules-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)

    def spec(self, text):
        (self.path / "hadeploy.yaml").write_text("name: test\n" + text)

    def run_it(self, *words, code=0):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.path)})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def apply(self, *words):
        return self.run_it("apply", "--auto-approve", *words)

    def test_a_check_warns_in_plan_and_after_apply(self):
        self.spec("""variables: {n: {default: 1}}
resources: {a: {type: local.value, input: "${var.n}"}, r: {type: random.id}}
checks:
  small: {check: "${a.output > 2}", message: "${a.output} is too small"}
  later: {check: "${r.hex == ''}", message: it has a value}
""")
        planned = json.loads(self.run_it("plan", "--json"))
        self.assertEqual([w["message"] for w in planned["warnings"]],
                         ["check small: 1 is too small"])
        self.assertEqual(planned["warnings"][0]["place"]["line"], 5)
        shown = self.apply()
        self.assertEqual(shown.count("warning: check small: 1 is too small"), 2)  # plan and report
        self.assertEqual(shown.count("warning: check later: it has a value"), 1)
        self.assertIn("Done in", shown)
        for _ in range(2):  # an unchanged project still warns
            self.assertIn("warning: check small", self.run_it("plan", "--detailed-exitcode"))
        self.assertIn("warning: check small", self.apply())
        nothing = json.loads(self.apply("--json").splitlines()[-1])
        self.assertEqual(len(nothing["warnings"]), 2)
        report = json.loads(self.apply("--json", "--var", "n=3").splitlines()[-1])["report"]
        self.assertEqual(report["warnings"][0]["message"], "check later: it has a value")
        self.assertTrue(report["ok"])
        self.assertNotIn("small", self.apply("--var", "n=4"))
        self.run_it("plan", "--out", "p", "--var", "n=1")
        self.assertIn("warning: check small: 1 is too small", self.run_it("show", "p"))

    def test_a_file_stays(self):
        spec = """variables: {n: {default: a}}
resources: {f: {type: local.file, path: "${var.n}", content: x, lifecycle: {keep_on_destroy: true}}}
"""
        self.spec(spec)
        self.apply()
        shown = self.apply("--var", "n=b")
        self.assertIn("f#1  local.file  keep: keep_on_destroy: the object is kept", shown)
        self.assertTrue((self.path / "a").exists() and (self.path / "b").exists())
        self.run_it("destroy", "--auto-approve")
        self.assertTrue((self.path / "b").exists())
        self.assertEqual(self.run_it("state", "list"), "")
        self.spec(spec)
        self.apply()  # adopts it
        self.spec("")
        self.assertIn("keep_on_destroy: the object is kept", self.apply())
        self.assertTrue((self.path / "a").exists())

    def test_protection_goes_by_a_variable(self):
        self.spec("""variables: {on: {type: boolean, default: true}}
resources: {a: {type: local.value, input: 1, lifecycle: {prevent_destroy: "${var.on}"}}}
""")
        self.apply()
        self.run_it("destroy", "--auto-approve", code=65)
        self.run_it("destroy", "--auto-approve", "--var", "on=false")

    def test_what_is_ignored_is_no_drift_of_a_refresh(self):
        self.spec("""resources:
  f: {type: local.file, path: f, content: x, lifecycle: {ignore_changes: [content]}}
""")
        self.apply()
        (self.path / "f").write_text("other")
        self.run_it("plan", "--detailed-exitcode")
        self.run_it("plan", "--refresh-only", "--detailed-exitcode")
        (self.path / "f").chmod(0o600)
        self.run_it("plan", "--refresh-only", "--detailed-exitcode", code=2)
        self.apply()
        self.assertEqual((self.path / "f").read_text(), "other")
        self.assertEqual((self.path / "f").stat().st_mode & 0o777, 0o644)


if __name__ == "__main__":
    unittest.main()
