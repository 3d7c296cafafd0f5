#!/usr/bin/env python3
"""examples/web-tier: both environments on one and on three machines, and what is refused. Nothing is applied.

usage: web_tier_test.py HADEPLOY
"""
import os
import pathlib
import subprocess
import sys
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "web-tier"
THREE = "nodes={a: 10.80.0.11, b: 10.80.0.12, c: 10.80.0.13}"


class WebTierTest(unittest.TestCase):
    def validate(self, environment, *variables, status=0):
        given = [word for variable in variables for word in ("--var", variable)]
        done = subprocess.run([HADEPLOY, "--env", environment, "validate", *given], cwd=EXAMPLE, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_valid(self):
        for environment in ("training", "production"):
            for more in ([], ["network=10.80.0.0/24", THREE]):
                self.assertIn("The spec is valid", self.validate(environment, *more))

    def test_two_static_on_one_machine_clash(self):
        error = ("error: port 80 would be published twice on train1: by static.1 of module.site.stack and by static.2 of "
                 "module.site.stack")
        self.assertIn(error, self.validate("training", "static=2", status=65))
        self.assertIn(error, (EXAMPLE / "README.md").read_text())
        self.assertIn("port 8081 would be published twice", self.validate("training", "web1=2", status=65))
        # in production NGINX publishes nothing
        self.validate("production", "static=2", "web=5")

    def test_a_static_for_each_machine(self):
        self.validate("training", THREE, "static=3")
        self.assertIn("by static.1 of module.site.stack and by static.4 of module.site.stack",
                      self.validate("training", THREE, "static=4", status=65))

    def test_certificate_without_its_key(self):
        for name in ("certificate", "private_key"):
            self.assertIn("set both `certificate` and `private_key`",
                          self.validate("production", f"{name}=README.md", status=65))


if __name__ == "__main__":
    unittest.main()
