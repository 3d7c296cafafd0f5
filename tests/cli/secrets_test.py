#!/usr/bin/env python3
"""Secrets in the output of commands, and warnings about secrets that cannot be hidden there. Needs only
this machine.

usage: secrets_test.py HADEPLOY [unittest options]
"""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
PASSWORD = "horse'\"$battery"

SPEC = """
name: told
variables:
  password: {type: string, secret: true}
  code: {type: integer, secret: true, default: 471142}
  pin: {type: string, secret: true, default: abc}
resources:
  generated: {type: random.password, length: 24, special: false}
  kept: {type: local.file, path: kept, mode: "0600", content: "${generated.result}"}
  teller:
    type: local.exec
    environment: {P: "${var.password}", G: "${generated.result}", C: "${var.code}", PIN: "${var.pin}"}
    create: |
      {
        echo "as it is: $P $G $C"
        printf 'user:%s' "$P" | base64
        printf '%s' "$G" | base64
        printf '%s\\n' "$P" | sed "s/'/'\\\\\\\\''/g; s/.*/'&'/"
      } >&2
      exit 3
    delete: "true"
"""

PARTS = """
name: parts
variables: {token: {type: string, secret: true, default: "a1b2c3d4:rest"}}
resources:
  teller:
    type: local.exec
    create: "echo got ${split(':', var.token)[0]} and ${substr(var.token, 4, 4)} >&2; exit 3"
    delete: "true"
"""

MET = """
name: met
variables:
  password: {type: string, secret: true}
  host: {type: string, secret: true, default: secret.invalid}
outputs: {content: "${found.outputs.content}"}
resources:
  found:
    type: local.exec
    create: "true"
    read: |
      [ ! -e fail ] || { echo "found $(cat world)" >&2; exit 3; }
      cat world
    delete: "true"
    returns: [content]
"""
UNREACHED = """
  reached:
    type: host.file
    host: {address: "${var.host}", private_key_file: id}
    path: /tmp/x
    content: x
"""
COMPOSED = """
name: composed
variables:
  short: {type: string, secret: true, default: kq7z}
resources:
  p: {type: random.password, length: 9, special: false}
  kept: {type: local.file, path: kept, mode: "0600", content: "${p.result}"}
  used:
    type: local.exec
    create: 'echo "created with ${p.result} and ${var.short}" >&2; test -e good'
    read: '[ ! -e bad ] || { echo "read with ${p.result} and ${var.short}" >&2; exit 3; }; test -e good || exit 44'
    delete: 'echo "removed with ${p.result} and ${var.short}" >&2; false'
    secret_outputs: false
    returns: []
"""


class SecretsTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-secrets-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.environment = {"PATH": os.environ["PATH"], "HOME": directory.name,
                            "HADEPLOY_VAR_password": PASSWORD}
        (self.path / "hadeploy.yaml").write_text(SPEC)

    def run_it(self, *words, status=0):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_what_a_failing_command_repeats_is_hidden(self):
        for more in ((), ("--json",)):
            done = self.run_it("apply", "--auto-approve", *more, status=1)
            said = done.stdout + done.stderr
            self.assertIn("as it is: (secret) (secret) (secret)", said)
            for hidden in (PASSWORD, json.dumps(PASSWORD)[1:-1], "471142",
                           base64.b64encode(("user:" + PASSWORD).encode()).decode()[10:-6],
                           PASSWORD.replace("'", "'\\''")):
                self.assertNotIn(hidden, said)
            if more:
                for line in done.stdout.splitlines():
                    json.loads(line)
            # only the state knows the generated secret
            generated = (self.path / "kept").read_text()
            self.assertEqual(len(generated), 24)
            for hidden in (generated, base64.b64encode(generated.encode()).decode()):
                self.assertNotIn(hidden, said)

    def test_what_a_plan_meets_is_hidden_on_both_streams(self):
        """In texts without marks: results of a script, and its output when it fails."""
        (self.path / "hadeploy.yaml").write_text(MET)
        (self.path / "world").write_text("nothing")
        self.run_it("apply", "--auto-approve")
        (self.path / "world").write_text(PASSWORD)
        for more in ((), ("--json",)):
            done = self.run_it("plan", *more)
            self.assertIn("(secret)", done.stdout)
            for shown in (PASSWORD, json.dumps(PASSWORD)[1:-1]):
                self.assertNotIn(shown, done.stdout + done.stderr)
        # progress names the host
        (self.path / "hadeploy.yaml").write_text(MET + UNREACHED)
        for more in (("--progress", "plain"), ("--json",)):
            done = self.run_it("plan", *more, status=69)
            self.assertIn("reading 1 resource at ssh root@(secret):22", done.stdout + done.stderr)
            self.assertNotIn("secret.invalid", done.stdout + done.stderr)
        (self.path / "hadeploy.yaml").write_text(MET)
        (self.path / "fail").touch()
        done = self.run_it("plan", status=1)
        self.assertIn("found (secret)", done.stderr)
        self.assertNotIn(PASSWORD, done.stdout + done.stderr)

    def test_a_secret_within_the_text_of_a_script_is_hidden(self):
        """The value of the script is another secret than the one that it prints."""
        (self.path / "hadeploy.yaml").write_text(COMPOSED)
        generated = []

        def check(words, what, **status):
            for more in ((), ("--json",)):
                done = self.run_it(*words, *more, "--log-file", "log", **status)
                said = done.stdout + done.stderr + (self.path / "log").read_text()
                if (self.path / "kept").exists():  # destroy removes it
                    generated.append((self.path / "kept").read_text())
                self.assertEqual(len(generated[-1]), 9)
                self.assertIn(f"{what} with (secret) and (secret)", said)
                for hidden in (generated[-1], "kq7z"):
                    self.assertNotIn(hidden, said)

        check(["apply", "--auto-approve"], "created", status=1)
        (self.path / "good").touch()
        self.run_it("apply", "--auto-approve")
        (self.path / "bad").touch()
        check(["plan"], "read", status=1)
        (self.path / "bad").unlink()
        check(["destroy", "--auto-approve"], "removed", status=1)

    def test_a_part_of_a_secret_is_hidden(self):
        (self.path / "hadeploy.yaml").write_text(PARTS)
        for more in ((), ("--json",)):
            done = self.run_it("apply", "--auto-approve", *more, "--log-file", "log", status=1)
            said = done.stdout + done.stderr + (self.path / "log").read_text()
            self.assertIn("got (secret) and (secret)", said)
            self.assertNotIn("c3d4", said)

    def test_what_is_too_short_is_named(self):
        note = ("note: too short to be hidden in the output of commands: var.pin; "
                "a secret needs at least 4 characters\n")
        for words in (["validate"], ["plan"]):
            self.assertIn(note, self.run_it(*words).stderr)
        self.assertIn(note, self.run_it("apply", "--auto-approve", status=1).stderr)
        self.environment["HADEPLOY_VAR_pin"] = "abcd"
        self.assertNotIn("too short", self.run_it("validate").stderr)


if __name__ == "__main__":
    unittest.main()
