#!/usr/bin/env python3
"""hadeploy's own keys: no child inherits them, no other process of the user can read them from memory, and
no core dump contains them.

usage: keys_test.py HADEPLOY [unittest options]
"""
import os
import pathlib
import resource
import signal
import subprocess
import time
import unittest

import skips
from local_project import HADEPLOY, Project, children_of

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OWN = {"HADEPLOY_STATE_KEY": KEY, "HADEPLOY_STATE_PASSPHRASE": "canary-passphrase",
       "HADEPLOY_STATE_KEY_FILE": "/canary-key-file", "HADEPLOY_VAULT_PASSWORD": "canary-vault",
       "HADEPLOY_VAR_password": "canary-variable", "HADEPLOY_VAR_other": "canary-other"}
FORBIDDEN = [KEY, "canary-", "HADEPLOY_STATE_", "HADEPLOY_VAULT_", "HADEPLOY_VAR_"]
SPEC = """
variables: {password: {type: string, secret: true}}
data:
  asked: {type: local.command, run: "env >env-of-data"}
resources:
  made:
    type: local.exec
    environment: {GIVEN: "${data.asked.outputs.stdout}x"}
    create: env >env-of-create
    read: "env >env-of-read; [ -e env-of-create ] || exit 44"
    delete: env >env-of-delete
"""


class Keys(Project):
    def run_with_keys(self, *words, **more):
        environment = {n: v for n, v in OWN.items() if n != "HADEPLOY_STATE_PASSPHRASE"}
        return self.run_it(*words, env={**environment, **more, "KEPT": "kept"})

    def check(self, name, text):
        self.assertIn("KEPT=kept", text, name)  # the rest of the environment is kept
        for word in FORBIDDEN:
            self.assertNotIn(word, text, name)

    def test_no_child_inherits_them(self):
        self.spec(SPEC)
        self.run_with_keys("apply", "--auto-approve")
        self.run_with_keys("plan")
        self.run_with_keys("destroy", "--auto-approve")
        for name in ("data", "create", "read", "delete"):
            self.check(name, self.read(f"env-of-{name}"))

    def test_neither_do_a_password_script_and_an_editor(self):
        self.write("secret.yaml", "a: b\n")
        self.write("password", f"#!/bin/sh\nenv >{self.path}/env-of-script\necho word\n")
        self.write("editor", f"#!/bin/sh\nenv >{self.path}/env-of-editor\necho 'a: c' >\"$1\"\n")
        for name in ("password", "editor"):
            (self.path / name).chmod(0o700)
        script = ("--vault-password-file", "password")
        self.run_with_keys("vault", "encrypt", "secret.yaml", *script)
        self.run_with_keys("vault", "edit", "secret.yaml", *script, EDITOR=str(self.path / "editor"))
        self.check("script", self.read("env-of-script"))
        self.check("editor", self.read("env-of-editor"))

    def waiting(self, **more):
        """hadeploy, while a command of its spec waits."""
        self.spec(f"resources:\n  a: {{type: local.exec, create: 'touch begun; sleep 60'}}\n")
        child = subprocess.Popen([HADEPLOY, "apply", "--auto-approve"], cwd=self.path,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL,
                                 env={"PATH": os.environ["PATH"], "HOME": str(self.path),
                                      "HADEPLOY_STATE_KEY": KEY}, **more)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        for _ in range(600):
            if self.there("begun"):
                return child
            time.sleep(0.05)
        self.fail("the command did not begin")

    def end_children(self, child):
        for pid in children_of(child.pid):
            os.killpg(pid, signal.SIGKILL)

    def test_they_are_not_in_what_the_kernel_shows(self):
        child = self.waiting()
        environment = pathlib.Path(f"/proc/{child.pid}/environ").read_bytes()
        self.assertNotIn(KEY.encode(), environment)
        self.assertIn(b"PATH=", environment)
        self.end_children(child)

    def test_no_core_dump_and_no_look_into_its_memory(self):
        def with_dumps():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        child = self.waiting(preexec_fn=with_dumps)
        core = [l for l in pathlib.Path(f"/proc/{child.pid}/limits").read_text().splitlines()
                if l.startswith("Max core file size")]
        self.assertNotIn(" 0 ", core[0])  # the limit does not prevent a dump
        own = children_of(child.pid)
        child.send_signal(signal.SIGSEGV)
        _, status = os.waitpid(child.pid, 0)
        child.returncode = -signal.SIGSEGV
        for pid in own:
            os.killpg(pid, signal.SIGKILL)
        self.assertTrue(os.WIFSIGNALED(status))
        self.assertFalse(os.WCOREDUMP(status))

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_for_a_user_it_works_and_its_memory_is_roots(self):
        nobody = 65534
        os.chown(self.path, nobody, nobody)
        self.path.chmod(0o755)
        child = self.waiting(user=nobody, group=nobody, extra_groups=[])
        self.assertEqual(os.stat(f"/proc/{child.pid}/environ").st_uid, 0)  # not dumpable
        own = children_of(child.pid)
        self.assertTrue(own)
        self.assertEqual(os.stat(f"/proc/{own[0]}/environ").st_uid, nobody)  # commands are dumpable as usual
        self.end_children(child)
        child.wait()

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_a_user_applies_and_destroys(self):
        nobody = 65534
        os.chown(self.path, nobody, nobody)
        self.spec("resources:\n  d: {type: local.directory, path: d/e}\n"
                  "  f: {type: local.file, path: '${d.path}/f', content: x}\n")
        for words in (["apply"], ["destroy"]):
            done = subprocess.run([HADEPLOY, *words, "--auto-approve"], cwd=self.path, text=True,
                                  capture_output=True, user=nobody, group=nobody, extra_groups=[],
                                  env={"PATH": os.environ["PATH"], "HOME": str(self.path)})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertFalse(self.there("d/e"))


if __name__ == "__main__":
    skips.main()
