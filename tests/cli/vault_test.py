#!/usr/bin/env python3
"""`hadeploy vault` against the real ansible-vault, in both directions, and on a terminal.

usage: vault_test.py HADEPLOY [unittest options]
"""
import glob
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

from terminal import talk

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
PLAIN = "db_password: hunter2\nnote: |\n  two\n  lines, žluťoučký\n"


class VaultTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="hadeploy-vault-test-")
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)
        self.password = self.file("password", "correct horse\n", 0o600)
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.directory.name,
                            "LC_ALL": "C.UTF-8"}

    def file(self, name, text, mode=0o644):
        path = self.path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def vault(self, action, *words, password="password", status=0, tool=HADEPLOY, **environment):
        words = [str(w) for w in words]
        if password:
            words += ["--vault-password-file", str(self.path / password)]
        command = [tool, "vault", action] if tool == HADEPLOY else [tool, action]
        # without a terminal, so that no prompt waits for an answer
        done = subprocess.run(command + words, env=self.environment | environment, text=True,
                              capture_output=True, start_new_session=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def ansible(self, action, *words, **more):
        return self.vault(action, *words, tool="ansible-vault", **more)

    def test_ansible_reads_what_is_written(self):
        for size in (0, 1, 15, 16, 17, 5000):
            path = self.file(f"f{size}", "x" * size)
            self.vault("encrypt", path)
            self.assertEqual(self.ansible("view", path).rstrip("\n"), "x" * size)
        path = self.file("a.yml", PLAIN)
        self.vault("encrypt", path)
        self.assertNotIn("hunter2", path.read_text())
        self.ansible("decrypt", path)
        self.assertEqual(path.read_text(), PLAIN)

    def test_what_ansible_writes_is_read(self):
        plain = self.file("a.yml", PLAIN)
        self.ansible("encrypt", plain)
        self.assertEqual(self.vault("view", plain), PLAIN)
        labelled = self.file("b.yml", PLAIN)
        self.ansible("encrypt", labelled, "--vault-id", f"prod@{self.password}", password=None)
        self.assertIn(";1.2;AES256;prod", labelled.read_text())
        self.assertEqual(self.vault("view", plain, labelled), PLAIN * 2)
        self.vault("decrypt", plain, labelled)
        self.assertEqual((plain.read_text(), labelled.read_text()), (PLAIN, PLAIN))

    def test_rekey(self):
        path = self.file("a.yml", PLAIN)
        self.ansible("encrypt", path, "--vault-id", f"prod@{self.password}", password=None)
        new = self.file("new", "battery staple", 0o600)
        self.vault("rekey", path, "--new-vault-password-file", new)
        self.assertIn("password is wrong", self.vault("view", path, status=1))
        self.assertEqual(self.ansible("view", path, password="new"), PLAIN)
        self.assertIn(";1.2;AES256;prod", path.read_text())

    def test_a_file_keeps_its_mode_and_nothing_is_left_beside_it(self):
        path = self.file("a.yml", PLAIN, 0o640)
        self.vault("encrypt", path)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
        self.vault("decrypt", path)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
        self.assertEqual(sorted(os.listdir(self.path)), ["a.yml", "password"])

    def test_a_wrong_file_among_them_leaves_all_as_they_are(self):
        good, bad = self.file("a.yml", PLAIN), self.file("b.yml", PLAIN)
        self.vault("encrypt", good)
        before = good.read_text()
        self.assertIn('b.yml" is not a vault file', self.vault("decrypt", good, bad, status=1))
        self.assertIn('a.yml" is already encrypted', self.vault("encrypt", bad, good, status=1))
        self.assertEqual((good.read_text(), bad.read_text()), (before, PLAIN))
        bad.write_text(before[:-40])
        self.assertIn('b.yml": the', self.vault("decrypt", good, bad, status=1))
        self.assertEqual(good.read_text(), before)

    def test_passwords(self):
        path = self.file("a.yml", PLAIN)
        self.file("open", "x", 0o644)
        self.assertIn("chmod 600", self.vault("encrypt", path, password="open", status=1))
        self.file("empty", "\n", 0o600)
        self.assertIn("contains no password", self.vault("encrypt", path, password="empty", status=1))
        self.assertIn("No such file", self.vault("encrypt", path, password="none", status=1))
        self.assertIn("no terminal", self.vault("encrypt", path, password=None, status=64))
        self.assertEqual(path.read_text(), PLAIN)
        self.vault("encrypt", path, password=None, HADEPLOY_VAULT_PASSWORD="correct horse")
        self.assertEqual(self.vault("view", path, password=None,
                                    ANSIBLE_VAULT_PASSWORD_FILE=str(self.password)), PLAIN)
        self.file("script", "#!/bin/sh\necho correct horse\n", 0o700)
        self.assertEqual(self.vault("view", path, password="script"), PLAIN)
        self.assertEqual(self.ansible("view", path, password="script"), PLAIN)
        self.file("failing", "#!/bin/sh\necho no such entry >&2; exit 3\n", 0o700)
        self.assertIn("no such entry", self.vault("view", path, password="failing", status=1))

    def test_edit(self):
        path = self.file("a.yml", PLAIN)
        self.ansible("encrypt", path, "--vault-id", f"prod@{self.password}", password=None)
        path.chmod(0o640)
        editor = self.file("editor", f"""#!/bin/sh
stat -c '%a %n' "$2" "$(dirname "$2")" >{self.path}/seen
if [ "$1" = --now ]; then sed -i s/hunter2/hunter3/ "$2"; fi
""", 0o700)
        self.vault("edit", path, EDITOR=f"{editor} --now")
        self.assertEqual(self.vault("view", path), PLAIN.replace("hunter2", "hunter3"))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
        self.assertIn(";1.2;AES256;prod", path.read_text())
        (mode, name), (directory_mode, directory) = (
            line.split() for line in (self.path / "seen").read_text().splitlines())
        self.assertEqual((mode, directory_mode), ("600", "700"))
        self.assertEqual(os.path.basename(name), "a.yml")
        self.assertFalse(os.path.exists(directory))
        before = path.read_text()
        self.vault("edit", path, EDITOR=f"{editor} --not-now")
        self.assertEqual(path.read_text(), before)
        self.assertIn("editor", self.vault("edit", path, EDITOR="false", status=1))
        self.assertEqual(path.read_text(), before)
        self.assertEqual(glob.glob("/dev/shm/hadeploy-vault-*"), [])

    def test_edit_killed_leaves_no_plain_text(self):
        path = self.file("a.yml", PLAIN)
        self.vault("encrypt", path)
        for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP):
            (self.path / "seen").unlink(missing_ok=True)
            editor = f'echo $$ >{self.path}/pid; exec sh -c \'echo "$1" >{self.path}/seen; ' \
                     f'sleep 30\' sh'
            run = subprocess.Popen(
                [HADEPLOY, "vault", "edit", path, "--vault-password-file", self.password],
                env=self.environment | {"EDITOR": editor}, start_new_session=True)
            seen = self.wait_for(lambda: (self.path / "seen").exists() and
                                 (self.path / "seen").read_text().strip())
            self.assertIn("hunter2", pathlib.Path(seen).read_text())
            run.send_signal(how)
            if how == signal.SIGTERM:  # waits until the editor has started
                time.sleep(0.2)
                run.send_signal(how)
            run.wait(timeout=20)
            self.wait_for(lambda: not os.path.exists(os.path.dirname(seen)))
            os.kill(int((self.path / "pid").read_text()), signal.SIGKILL)

    def wait_for(self, condition):
        for _ in range(400):
            if found := condition():
                return found
            time.sleep(0.05)
        self.fail("waited for too long")

    def on_terminal(self, words, answers):
        """Runs a command on a pseudo terminal, answers each prompt and returns the output."""
        status, shown = talk([HADEPLOY, "vault", *words], answers, self.environment)
        return status, shown.decode()

    def test_passwords_are_asked_for_and_not_shown(self):
        path = self.file("a.yml", PLAIN)
        twice = [(b"Vault password:", b"correct horse\n"), (b"Repeat it:", b"correct horse\n")]
        status, shown = self.on_terminal(["encrypt", path], twice)
        self.assertEqual(status, 0, shown)
        self.assertNotIn("horse", shown)
        self.assertEqual(self.ansible("view", path), PLAIN)
        status, shown = self.on_terminal(["view", path], twice[:1])
        self.assertEqual((status, "hunter2" in shown, "horse" in shown), (0, True, False), shown)
        other = self.file("b.yml", PLAIN)
        status, shown = self.on_terminal(["encrypt", other], [twice[0], (b"Repeat it:", b"x\n")])
        self.assertEqual(status, 64, shown)
        self.assertIn("the two passwords differ", shown)
        status, shown = self.on_terminal(["encrypt", other], [(b"Vault password:", b"\x03")])
        self.assertEqual(status, 130, shown)
        self.assertEqual(other.read_text(), PLAIN)


class SpecTest(unittest.TestCase):
    """The files that a spec names under `secrets:`."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="hadeploy-secrets-test-")
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)
        (self.path / "hadeploy.yaml").write_text(
            "name: t\nsecrets: {app: app.yaml}\noutputs: {x: '${secret.app.password}'}\n")

    def hadeploy(self, *words, status=0, password="correct horse"):
        environment = {"PATH": os.environ["PATH"], "HOME": self.directory.name}
        if password:
            environment["HADEPLOY_VAULT_PASSWORD"] = password
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, env=environment, text=True,
                              capture_output=True, start_new_session=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def secrets(self, text):
        (self.path / "app.yaml").write_text(text)
        self.hadeploy("vault", "encrypt", "app.yaml")

    def test_they_are_read(self):
        self.secrets("password: hunter2\n")
        self.hadeploy("validate")
        self.assertIn("(secret)", self.hadeploy("plan", "--json"))

    def test_who_only_looks_needs_no_password(self):
        self.secrets("password: hunter2\n")
        for words in (["state", "list"], ["show"], ["output"], ["graph"], ["history"]):
            self.hadeploy(*words, password=None)
        self.assertIn("no terminal", self.hadeploy("plan", password=None, status=64))

    def test_errors_have_their_place(self):
        for text, status, message in (
                ("password: 'hunter2\n", 65, "is not valid YAML, at app.yaml:"),
                ("hunter2\n", 65, "is a string, not a map"),
                ("pasword: hunter2\n", 65, 'did you mean "pasword"')):
            self.secrets(text)
            error = self.hadeploy("validate", status=status)
            self.assertIn(message, error)
            self.assertIn("hadeploy.yaml:", error)
            self.assertNotIn("hunter2", error)
        self.assertIn('app.yaml": the password is wrong',
                      self.hadeploy("validate", status=1, password="incorrect"))
        (self.path / "app.yaml").write_text("password: hunter2\n")
        self.assertIn("hadeploy vault encrypt app.yaml", self.hadeploy("validate", status=65))
        (self.path / "app.yaml").unlink()
        self.assertIn("app.yaml: No such file", self.hadeploy("validate", status=65))


if __name__ == "__main__":
    if shutil.which("ansible-vault") is None:
        print("ansible-vault is not installed (package ansible-core)")
        sys.exit(77)
    unittest.main()
