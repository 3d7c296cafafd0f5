#!/usr/bin/env python3
"""examples/local-stack from the first apply to destroy: real files, real keys, checked with openssl.

usage: local_stack_test.py HADEPLOY [unittest options]
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "local-stack"


class LocalStackTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-local-stack-test-")
        self.addCleanup(directory.cleanup)
        self.project = pathlib.Path(directory.name) / "project"
        self.project.mkdir()
        for name in ("hadeploy.yaml", "server.conf.tmpl"):
            shutil.copy(EXAMPLE / name, self.project)
        self.build = self.project / "build"
        self.environment = {"PATH": os.environ["PATH"], "HOME": directory.name}

    def run_hadeploy(self, *words, status=0):
        done = subprocess.run([HADEPLOY, *words], cwd=self.project, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout if status in (0, 2) else done.stderr

    def apply(self):
        return self.run_hadeploy("apply", "--auto-approve")

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.build, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def unchanged(self):
        self.run_hadeploy("plan", "--detailed-exitcode")

    def counts(self):
        plan = json.loads(self.run_hadeploy("plan", "--json").splitlines()[-1])
        return {action: n for action, n in plan["counts"].items() if n > 0}

    def edit(self, old, new):
        path = self.project / "hadeploy.yaml"
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def test_its_whole_life(self):
        self.assertIn("1 data source", self.run_hadeploy("validate"))
        self.apply()
        self.unchanged()
        config = (self.build / "server.conf").read_text()
        self.assertIn("listen 8443\n", config)
        password = config.rpartition("password ")[2].strip()
        self.assertEqual(len(password), 32)
        self.assertIn("(secret)", self.run_hadeploy("output", "password"))
        self.assertNotIn(password, self.run_hadeploy("show"))
        self.check_certificates()
        self.drift(config)
        self.changes(config)
        self.renewal()
        self.saved_plan()
        self.run_hadeploy("destroy", "--auto-approve")
        self.assertFalse(self.build.exists())
        self.assertEqual(self.run_hadeploy("state", "list"), "")

    def check_certificates(self):
        self.assertEqual(oct((self.build / "web.key").stat().st_mode & 0o777), "0o600")
        self.openssl("verify", "-x509_strict", "-CAfile", "ca.pem", "-verify_hostname",
                     "www.example.org", "-purpose", "sslserver", "web.pem")
        self.assertEqual(self.openssl("pkey", "-in", "web.key", "-pubout"),
                         self.openssl("x509", "-in", "web.pem", "-pubkey", "-noout"))
        text = self.openssl("x509", "-in", "web.pem", "-noout", "-text", "-nameopt", "oneline")
        for words in ("DNS:www.example.org", "IP Address:127.0.0.1", "CA:FALSE",
                      "TLS Web Server Authentication", "CN = local-stack authority"):
            self.assertIn(words, text)
        self.assertIn("CA:TRUE", self.openssl("x509", "-in", "ca.pem", "-noout", "-text"))

    def drift(self, config):
        (self.build / "server.conf").write_text("by hand\n")
        (self.build / "web.key").chmod(0o644)
        (self.build / "bundle.pem").unlink()
        self.assertEqual(self.counts(), {"create": 1, "update": 2})
        self.apply()
        self.assertEqual((self.build / "server.conf").read_text(), config)
        self.assertTrue((self.build / "bundle.pem").exists())
        self.unchanged()

    def changes(self, config):
        """Another name changes the request and the certificate, and nothing else."""
        self.edit("default: www.example.org", "default: shop.example.org")
        self.assertEqual(self.counts(), {"replace": 2, "update": 3})
        self.apply()
        self.unchanged()
        changed = (self.build / "server.conf").read_text()
        self.assertEqual(changed, config.replace("www.", "shop."))
        self.openssl("verify", "-CAfile", "ca.pem", "-verify_hostname", "shop.example.org",
                     "web.pem")

    def renewal(self):
        """early_renewal covers all but the first second: renewal is due after a second."""
        before = (self.build / "web.pem").read_text()
        self.edit("early_renewal: 30d", "early_renewal: 2159h 59m 59s")
        for _ in range(200):
            plan = self.run_hadeploy("plan")
            if "to replace" in plan:
                break
        self.assertRegex(plan, r"web_cert +\S+ +replace: it expires at .*Z, and early_renewal is 89d")
        self.assertNotIn("web_request", plan)
        self.apply()
        self.assertNotEqual((self.build / "web.pem").read_text(), before)
        self.edit("early_renewal: 2159h 59m 59s", "early_renewal: 30d")
        self.apply()
        self.unchanged()

    def saved_plan(self):
        """The saved plan contains the data that was read; data sources are not read again."""
        self.edit("run: id -un", "run: cat who")
        (self.project / "who").write_text("first")
        self.run_hadeploy("plan", "--out", "saved")
        (self.project / "who").write_text("second")
        self.run_hadeploy("apply", "saved")
        self.assertIn("run by first", (self.build / "server.conf").read_text())
        self.apply()
        self.assertIn("run by second", (self.build / "server.conf").read_text())


if __name__ == "__main__":
    unittest.main()
