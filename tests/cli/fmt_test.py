#!/usr/bin/env python3
"""`hadeploy fmt` as users run it.

usage: fmt_test.py HADEPLOY [unittest options]
"""
import os
import unittest

from command_case import Case


class FmtTest(Case):
    UGLY = "name:   x\n\n\n\noutputs:\n    a:   1   \n    # b\n    b:\n    - 2\n"
    GOOD = "name: x\n\noutputs:\n  a: 1\n  # b\n  b:\n    - 2\n"

    def test_it_writes_what_changes(self):
        self.spec(self.UGLY)
        os.chmod(self.path / "hadeploy.yaml", 0o640)
        self.assertEqual(self.out("fmt"), "hadeploy.yaml\n")
        self.assertEqual((self.path / "hadeploy.yaml").read_text(), self.GOOD)
        self.assertEqual((self.path / "hadeploy.yaml").stat().st_mode & 0o777, 0o640)
        self.assertEqual(self.out("fmt"), "")

    def test_check_and_diff_write_nothing_they_should_not(self):
        self.spec(self.UGLY)
        self.assertEqual(self.out("fmt", "--check", status=1), "hadeploy.yaml\n")
        text = self.out("fmt", "--check", "--diff", status=1)
        self.assertIn("- name:   x\n", text)
        self.assertIn("+ name: x\n", text)
        self.assertNotIn("- outputs:", text)
        self.assertEqual((self.path / "hadeploy.yaml").read_text(), self.UGLY)
        self.spec(self.GOOD)
        self.assertEqual(self.out("fmt", "--check"), "")

    def test_standard_input_and_directories(self):
        self.assertEqual(self.out("fmt", "-", given=self.UGLY), self.GOOD)
        (self.path / "modules" / "m").mkdir(parents=True)
        (self.path / ".hidden").mkdir()
        for name in ("modules/m/module.yaml", "modules/m/other.yaml", ".hidden/module.yaml"):
            (self.path / name).write_text("outputs: {}   \n")
        self.assertEqual(self.out("fmt", "--recursive", "--check", status=1),
                         "modules/m/module.yaml\n")
        self.assertIn("contains neither", self.err("fmt", "modules"))

    def test_a_name_that_begins_with_a_dash(self):
        for name in ("-a", "--check", "b"):
            (self.path / name).write_text("a:   1\n")
        self.assertEqual(self.out("fmt", "b", "--", "-a", "--check"), "b\n-a\n--check\n")
        self.assertEqual((self.path / "-a").read_text(), "a: 1\n")
        self.assertIn('unexpected argument "-a"', self.err("plan", "--", "-a"))

    def test_what_it_can_not_read_stays(self):
        self.spec("a: [1\nb: {}   \n")
        (self.path / "good.yaml").write_text("a:   1\n")
        done = self.run_it("fmt", "hadeploy.yaml", "good.yaml", status=65)
        self.assertIn("hadeploy.yaml:", done.stderr)
        self.assertEqual(done.stdout, "good.yaml\n")
        self.assertEqual((self.path / "good.yaml").read_text(), "a: 1\n")


if __name__ == "__main__":
    unittest.main()
