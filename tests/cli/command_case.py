"""Cases of commands on a project of key files, run by the real program.

A test module that imports this takes the program's path as its first argument.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
SOURCE = pathlib.Path(__file__).resolve().parents[2]

SPEC = """name: keys
variables: {word: {type: string, default: hello}, hidden: {type: string, default: s3cret-word, secret: true}}
resources:
  first: {type: ssh.key, name: first}
  second: {type: ssh.key, name: second, depends_on: [first]}
  many: {type: ssh.key, for_each: [x, y], name: "many-${each.key}"}
outputs:
  file: ${first.private_key_file}
  word: ${var.word}
  both: ["${var.word}", 2]
  hidden: ${var.hidden}
"""


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-commands-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.environment = {"PATH": f"{os.path.dirname(HADEPLOY)}:{os.environ['PATH']}",
                            "HOME": directory.name, "LC_ALL": "C.UTF-8"}
        self.spec(SPEC)

    def spec(self, text):
        (self.path / "hadeploy.yaml").write_text(text)

    def run_it(self, *words, status=0, given=None, cwd=None):
        done = subprocess.run([HADEPLOY, *words], cwd=cwd or self.path, env=self.environment,
                              text=True, capture_output=True, start_new_session=True, timeout=60,
                              input=given if given is not None else "")
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done

    def out(self, *words, **more):
        return self.run_it(*words, **more).stdout

    def err(self, *words, status=64, **more):
        return self.run_it(*words, status=status, **more).stderr

    def apply(self, *words, **more):
        return self.out("apply", "--auto-approve", *words, **more)

    def addresses(self):
        return self.out("state", "list").split()

    def serial(self):
        return json.loads(self.out("state", "pull"))["serial"]

    def key(self, name):
        return self.path / ".hadeploy" / "keys" / name
