#!/usr/bin/env python3
"""Searches for secrets in everything that hadeploy shows or stores during the whole life of a project,
against a real sshd on loopback.

usage: canary_test.py HADEPLOY [unittest options]
"""
import base64
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
SSHD = "/usr/sbin/sshd"

SPEC = """
name: canary
variables:
  password: {{type: string, secret: true}}
  fallback: {{type: string, secret: true, default: "{fallback}"}}
secrets: {{app: app.yaml}}
data:
  asked:
    type: local.command
    environment: {{P: "${{var.password}}"}}
    run: printf %s "$P"
resources:
  generated: {{type: random.password, special: false}}
  key: {{type: tls.private_key}}
  ca: {{type: tls.self_signed_cert, private_key_pem: "${{key.private_key_pem}}", is_ca_certificate: true,
        subject: {{common_name: canary}}}}
  made:
    type: local.exec
    environment: {{P: "${{var.password}}", G: "${{generated.result}}", K: "${{key.private_key_pem}}"}}
    create: |
      echo "it is $P and $G, asked ${{data.asked.outputs.stdout}}"
      tr '\\0' ' ' </proc/$$/cmdline >{directory}/local-argv
      {local_last}
  kept:
    type: local.file
    path: {directory}/kept
    mode: "0600"
    content: "${{generated.result}}\\n${{key.private_key_pem}}"
  config:
    type: host.file
    host: &box {{address: 127.0.0.1, port: {port}, private_key_file: {user_key}, host_key: "{host_key}"}}
    path: {directory}/config
    mode: "0600"
    content: "user=x\\npassword=${{var.password}}\\nkey=${{secret.app.deep.key}}\\n"
  once:
    type: host.command
    host: *box
    run: |
      echo "it is $P and $F"
      cat /proc/[0-9]*/cmdline >{directory}/argv 2>/dev/null || true
      {last}
    environment: {{P: "${{var.password}}", F: "${{var.fallback}}"}}
  then:
    type: host.file
    host: *box
    path: {directory}/then
    content: ${{once.stdout}}
outputs:
  joined: before-${{var.password}}-after
  said: ${{once.stdout}}
  made: ${{made.outputs.stdout}}
  generated: ${{generated.result}}
  certificate: ${{ca.cert_pem}}
  open: everybody may see this
"""


class Watch(threading.Thread):
    """Collects the command lines of all processes, and the content of the project's files while commands
    run (the state's log, its journal, the lock), as often as it can."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.directory = directory
        self.seen, self.files, self.going = set(), set(), True

    def run(self):
        while self.going:
            self.look_at_files()
            for entry in os.listdir("/proc"):
                if entry.isdigit():
                    try:
                        self.seen.add(pathlib.Path("/proc", entry, "cmdline").read_bytes())
                    except OSError:
                        pass  # it has ended
            time.sleep(0.005)

    def look_at_files(self):
        try:
            for path in self.directory.iterdir():
                if path.is_file():
                    self.files.add((path.name, path.read_bytes()))
        except OSError:
            pass  # a file is gone, or does not exist yet


class CanaryTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-canary-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.project = self.path / "project"
        self.host = self.path / "host"  # files of the "machine"
        self.project.mkdir()
        self.host.mkdir()
        self.start_sshd()
        self.canaries = {}
        self.passwords = [self.canary("password"), self.canary("new password")]
        fallback, key = self.canary("default"), self.canary("key")
        self.spec = {"port": self.port, "directory": self.host, "fallback": fallback,
                     "host_key": self.host_key, "user_key": self.path / "user", "last": "true",
                     "local_last": "true"}
        self.environment = {"PATH": os.environ["PATH"], "HOME": directory.name,
                            "HADEPLOY_VAULT_PASSWORD": self.canary("vault password"),
                            "HADEPLOY_VAR_password": self.passwords[0]}
        (self.project / "app.yaml").write_text(f'deep: {{key: "{key}"}}\n')
        self.write_spec()
        self.run_hadeploy("vault", "encrypt", "app.yaml")
        self.watch = Watch(self.project / ".hadeploy")
        self.watch.start()
        self.shown = b""

    def canary(self, name):
        self.canaries[name] = f"canary'{secrets.token_hex(8)}"  # needs quoting in a shell
        return self.canaries[name]

    def start_sshd(self):
        for name in ("host_key", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path / name],
                           check=True)
        self.host_key = " ".join((self.path / "host_key.pub").read_text().split()[:2])
        self.port = free_port()
        config = self.path / "sshd_config"
        config.write_text(f"ListenAddress 127.0.0.1\nPort {self.port}\nPidFile none\n"
                          f"HostKey {self.path}/host_key\nStrictModes no\nUsePAM no\n"
                          f"AuthorizedKeysFile {self.path}/user.pub\nPermitRootLogin yes\n"
                          f"SetEnv HOME={self.path}\n")
        os.makedirs("/run/sshd", exist_ok=True)
        sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        self.addCleanup(sshd.wait)
        self.addCleanup(sshd.terminate)
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.fail("sshd does not start")

    def write_spec(self, **changes):
        text = SPEC.format(**self.spec | changes)
        (self.project / "hadeploy.yaml").write_text(text)

    def run_hadeploy(self, *words, status=0):
        done = subprocess.run([HADEPLOY, *words], cwd=self.project, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=240)
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, f"{words}: {text.decode()}")
        self.check(" ".join(words), text)
        return done.stdout.decode()

    def check(self, where, data):
        for name, canary in self.canaries.items():
            core = canary.partition("'")[2].encode()  # independent of quoting
            for form in (core, core.hex().encode(), *self.base64_forms(core)):
                self.assertNotIn(form, data, f"{name} is shown or kept: {where}")

    @staticmethod
    def base64_forms(core):
        for shift in range(3):  # the middle of an encoded text
            coded = base64.b64encode(b"x" * shift + core)
            yield coded[4 if shift else 0:len(coded) // 4 * 4 - 4]

    def check_files(self):
        kept = [p for p in self.project.rglob("*") if p.is_file() and p.name != "hadeploy.yaml"]
        self.assertIn("saved", [p.name for p in kept])
        for path in kept:
            self.check(path, path.read_bytes())

    def look(self):
        for words in (["validate"], ["plan"], ["plan", "--json"], ["plan", "--out", "saved"],
                      ["plan", "--destroy"], ["plan", "--refresh-only"], ["state", "pull"], ["why", "config"],
                      ["console", "-e", "[var.password, secret.app, config, once]"], ["show"], ["show", "--json"], ["show", "saved"],
                      ["show", "saved", "--json"], ["state", "list"], ["state", "list", "--json"],
                      ["output"], ["output", "--json"], ["graph"], ["graph", "--json"],
                      ["graph", "--format", "mermaid"], ["graph", "--format", "html"], ["graph", "--format", "svg"], ["history"], ["history", "--json"]):
            self.run_hadeploy(*words)
        self.check_files()

    def test_no_secret_is_shown_or_kept(self):
        self.look()
        self.run_hadeploy("apply", "saved")
        self.assertTrue((self.project / ".hadeploy" / "state.db").exists())
        config = (self.host / "config").read_text()
        for secret in (self.passwords[0], self.canaries["key"]):
            self.assertIn(secret, config)  # the secret was used
        self.assertIn(self.passwords[0], (self.host / "then").read_text())
        self.learn_generated()
        self.run_hadeploy("plan", "--detailed-exitcode")  # no changes
        self.look()
        for address in ("config", "once", "then", "generated", "key", "ca", "made", "kept"):
            self.run_hadeploy("state", "show", address)
            self.run_hadeploy("state", "show", address, "--json")
        for name in ("joined", "made", "generated"):
            self.assertIn("(secret)", self.run_hadeploy("output", name))
        self.assertIn("BEGIN CERTIFICATE", self.run_hadeploy("output", "certificate"))
        self.assertIn("everybody", self.run_hadeploy("output", "open"))
        self.assertIn("everybody", self.run_hadeploy("output", "--raw", "open"))
        self.run_hadeploy("output", "--raw", "joined", status=1)

        self.environment["HADEPLOY_VAR_password"] = self.passwords[1]
        (self.host / "config").write_text(f"by hand: {self.passwords[0]}\n")
        self.look()
        self.run_hadeploy("apply", "--auto-approve", "--json", "--statistics", "--profile", "trace.json")
        self.assertIn("apply", (self.project / "trace.json").read_text())
        self.assertIn(self.passwords[1], (self.host / "config").read_text())
        self.look()
        self.check_history()
        self.failures()
        self.run_hadeploy("state", "rekey")
        self.look()
        self.run_hadeploy("destroy", "--auto-approve")
        self.look()
        self.watch.going = False
        self.watch.join()
        self.assertTrue(any(b"sshd" in line for line in self.watch.seen))
        for argv in self.watch.seen:
            self.check("a command line", argv)
        for name in ("state.db", "state.db-wal", "state.db.lock", "state.db.key"):
            self.assertIn(name, {name for name, _ in self.watch.files})
        for name, content in self.watch.files:
            self.check(f"{name}, while a command ran", content)
        self.check("a command line, seen from the host", (self.path / "argv").read_bytes())

    def learn_generated(self):
        """What only hadeploy knew until it was put somewhere; the files that were written before that
        are looked at again."""
        password, _, pem = (self.host / "kept").read_text().partition("\n")
        lines = pem.splitlines()
        self.assertEqual(lines[0], "-----BEGIN PRIVATE KEY-----")
        self.canaries["generated password"] = "'" + password
        self.canaries["generated key"] = "'" + lines[1]
        self.assertIn(b"eval", (self.host / "local-argv").read_bytes())
        self.check("a command line, seen from the command", (self.host / "local-argv").read_bytes())
        self.check_files()

    def check_history(self):
        """Rolls back to the password of the first run, which is no longer given."""
        runs = [json.loads(line) for line in self.run_hadeploy("history", "--json").splitlines()]
        self.assertEqual([(r["command"], r["result"]) for r in runs],
                         [("apply", "done"), ("apply", "done")])
        self.assertEqual(runs[0]["counts"]["created"], 8)
        self.write_spec(directory="/nowhere", last="broken: [")
        self.run_hadeploy("rollback", "1", "--auto-approve")
        self.assertIn(self.passwords[0], (self.host / "config").read_text())
        self.run_hadeploy("rollback", "7", "--auto-approve", status=64)
        self.write_spec()
        self.run_hadeploy("apply", "--auto-approve")
        self.assertIn(self.passwords[1], (self.host / "config").read_text())
        shutil.copy(self.host / "argv", self.path / "argv")

    def failures(self):
        """The output of a failing command is shown to the user."""
        self.write_spec(last='echo "no: $P, $F" >&2; exit 3',
                        local_last='echo "no: $P, $G, $K" >&2; exit 3')
        self.run_hadeploy("apply", "--auto-approve", status=1)
        self.run_hadeploy("apply", "--auto-approve", "--json", status=1)
        self.look()
        spec = (self.project / "hadeploy.yaml").read_text()
        for wrong in ('mode: "${var.password}"', "mode: '${secret.app.deep.kee}'"):
            (self.project / "hadeploy.yaml").write_text(spec.replace('mode: "0600"', wrong))
            self.run_hadeploy("plan", status=65)
        self.write_spec()


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.path.exists(SSHD):
        print("needs root and sshd")
        sys.exit(77)
    unittest.main()
