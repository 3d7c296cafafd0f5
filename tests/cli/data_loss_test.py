#!/usr/bin/env python3
"""No data is lost without confirmation; directories with `force` represent all objects that hold data.

usage: data_loss_test.py HADEPLOY [unittest options]
"""
import json
import os
import subprocess
import unittest

import skips
from command_case import HADEPLOY, Case
from terminal import talk

SPEC = """name: guarded
resources:
  a: {type: local.directory, path: a, force: true}
  many: {type: local.directory, for_each: [x, y], path: "many-${each.key}", force: true}
  plain: {type: local.directory, path: plain}
"""


class DataLossTest(Case):
    def setUp(self):
        super().setUp()
        self.spec(SPEC)
        self.apply()
        for name in ("a", "many-x", "many-y"):
            (self.path / name / "data").write_text("precious")

    def data(self):
        """The directories that still have their data."""
        return sorted(file.parent.name for file in self.path.glob("*/data"))

    def type_at(self, command, answer, prompt=b"to continue: "):
        return talk([HADEPLOY, "--no-color", "--progress", "quiet", *command],
                    [(prompt, answer.encode() + b"\n")], self.environment, self.path)

    def test_approval_alone_is_not_enough(self):
        for command in (["destroy"], ["apply", "--destroy"], ["apply", "--replace", "a"],
                        ["destroy", "--target", "many"]):
            error = self.err(*command, "--auto-approve", status=1)
            self.assertIn("would be lost, and this was not allowed", error)
            self.assertIn("--allow-data-loss=", error)
            self.assertEqual(self.data(), ["a", "many-x", "many-y"])
        self.assertEqual(self.out("history").count("\n"), 1)

    def test_what_is_allowed(self):
        self.err("destroy", "--auto-approve", "--allow-data-loss=a", status=1)
        self.err("destroy", "--auto-approve", "--allow-data-loss=many[x]",
                 "--allow-data-loss=many[y]", status=1)
        self.assertEqual(self.data(), ["a", "many-x", "many-y"])
        self.apply("--replace", "a", "--allow-data-loss=a")
        self.assertEqual(self.data(), ["many-x", "many-y"])
        self.out("destroy", "--auto-approve", "--target", "many", "--allow-data-loss=many")
        self.assertEqual(self.data(), [])
        self.out("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.addresses(), [])

    @unittest.skipIf(os.geteuid() != 0, "only root can mount")
    def test_what_is_mounted_in_a_directory_is_no_part_of_it(self):
        (self.path / "other place").mkdir()
        (self.path / "other place" / "theirs").write_text("precious")
        (self.path / "a" / "mnt here").mkdir()
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", "mount --bind 'other place' 'a/mnt here' && exec \"$@\"", "sh",
             HADEPLOY, "destroy", "--auto-approve", "--allow-data-loss", "--target", "a"],
            cwd=self.path, env=self.environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("something is mounted on ", done.stderr)
        self.assertTrue((self.path / "other place" / "theirs").exists())
        self.assertIn("a", self.data())
        self.out("destroy", "--auto-approve", "--allow-data-loss", "--target", "a")
        self.assertNotIn("a", self.data())

    def test_what_loses_nothing_needs_nothing(self):
        self.out("destroy", "--auto-approve", "--target", "plain")
        for name in ("a", "many-x", "many-y"):
            (self.path / name / "data").unlink()
            (self.path / name).rmdir()
        self.out("destroy", "--auto-approve")  # gone already
        self.assertEqual(self.addresses(), [])

    def test_an_address_that_loses_nothing_is_an_error(self):
        error = self.err("destroy", "--auto-approve", "--allow-data-loss=plain")
        self.assertIn("--allow-data-loss=plain: this plan does not destroy data there", error)
        self.assertIn("--allow-data-loss=a", self.err("apply", "--auto-approve",
                                                      "--allow-data-loss=a"))
        self.assertEqual(self.data(), ["a", "many-x", "many-y"])

    def test_one_is_confirmed_by_its_address(self):
        for answer in ("yes", "", "many", "guarded"):
            status, shown = self.type_at(["destroy", "--target", 'many["x"]'], answer)
            self.assertEqual(status, 1, shown)
        self.assertIn(b"Type its address to continue", shown)
        self.assertEqual(self.data(), ["a", "many-x", "many-y"])
        status, shown = self.type_at(["destroy", "--target", 'many["x"]'], 'many["x"]')
        self.assertEqual(status, 0, shown)
        self.assertEqual(self.data(), ["a", "many-y"])
        status, shown = self.type_at(["apply", "--replace", "many[y]"], "many[y]")
        self.assertEqual(status, 0, shown)

    def test_several_are_confirmed_by_the_project(self):
        status, shown = self.type_at(["destroy"], "yes")
        self.assertEqual(status, 1, shown)
        status, shown = self.type_at(["destroy", "--allow-data-loss=a"], "guarded")
        self.assertEqual(status, 0, shown)
        self.assertIn(b"Type the name of the project, guarded, to continue", shown)
        self.assertEqual(self.data(), [])

    def test_what_is_allowed_is_still_asked_for(self):
        status, shown = self.type_at(["destroy", "--allow-data-loss"], "no", b'"yes" to continue: ')
        self.assertEqual(status, 1, shown)
        self.assertEqual(self.data(), ["a", "many-x", "many-y"])
        status, shown = self.type_at(["destroy", "--allow-data-loss"], "yes", b'"yes" to continue: ')
        self.assertEqual(status, 0, shown)
        self.assertEqual(self.data(), [])

    def test_a_saved_plan(self):
        self.assertIn("Data that will be lost:\n      a  the directory",
                      self.out("plan", "--destroy", "--target", "a", "--out", "p"))
        self.assertIn("Data that will be lost", self.out("show", "p"))
        self.assertIn("would be lost", self.err("apply", "p", status=1))
        self.assertIn("would be lost", self.err("apply", "p", "--auto-approve", status=1))
        status, shown = self.type_at(["apply", "p"], "yes")
        self.assertEqual(status, 1, shown)
        self.assertEqual(self.data(), ["a", "many-x", "many-y"])
        status, shown = self.type_at(["apply", "p"], "a")
        self.assertEqual(status, 0, shown)
        self.out("plan", "--destroy", "--target", "many", "--out", "p")
        self.out("apply", "p", "--allow-data-loss=many")
        self.assertEqual(self.data(), [])

    def test_a_rollback(self):
        self.spec("name: guarded\n")
        self.out("apply", "--auto-approve", "--allow-data-loss")
        self.spec(SPEC)
        self.apply()
        (self.path / "a" / "data").write_text("precious")
        self.assertIn("would be lost", self.err("rollback", "2", "--auto-approve", status=1))
        self.assertEqual(self.data(), ["a"])
        self.out("rollback", "2", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.data(), [])

    def test_for_programs(self):
        plan = json.loads(self.out("plan", "--destroy", "--json").splitlines()[-1])
        self.assertEqual([(loss["address"], loss["type"], loss["bytes"], loss["copied_by"])
                          for loss in plan["losses"]],
                         [(address, "local.directory", None, "")
                          for address in ("a", 'many["x"]', 'many["y"]')])
        done = self.run_it("destroy", "--auto-approve", "--json", status=1)
        diagnostic = json.loads(done.stdout.splitlines()[-1])
        self.assertIn("would be lost", diagnostic["@message"])


if __name__ == "__main__":
    skips.main()
