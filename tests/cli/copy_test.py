#!/usr/bin/env python3
"""A project directory that is moved or copied with its state and objects is unchanged, and a copy does not
touch the files of the original.

usage: copy_test.py HADEPLOY [unittest options]
"""
import os
import pathlib
import shutil
import sqlite3
import subprocess
import unittest

import own_sshd
import skips
from local_project import HADEPLOY, Project

SPEC = """
variables: {where: {type: local_path, default: out}}
resources:
  directory: {type: local.directory, path: "${var.where}"}
  config: {type: local.file, path: "${directory.path}/config", content: "a", mode: "0600"}
  copied: {type: local.file, path: "${directory.path}/copied", source: source.txt}
  made:
    type: local.exec
    create: echo made >>out/made
    read: "[ -e out/made ] || exit 44"
    delete: rm out/made
    depends_on: [directory]
  value: {type: local.value, input: 1}
"""


EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


class Copy(Project):
    def setUp(self):
        super().setUp()
        self.top = self.path
        self.path = self.top / "one"
        self.path.mkdir()
        self.spec(SPEC)
        self.write("source.txt", "text")
        self.apply()

    def go_to(self, name):
        self.path = self.top / name

    def copy_to(self, name):
        shutil.copytree(self.path, self.top / name, symlinks=True)
        self.go_to(name)

    def contents(self, name):
        return {p.relative_to(self.top / name): p.read_text() for p in (self.top / name / "out").iterdir()}

    def nothing_to_change(self, *words):
        self.run_it("plan", "--detailed-exitcode", *words)  # 2: there are changes

    def test_a_moved_project_is_as_it_was(self):
        self.path.rename(self.top / "two")
        self.go_to("two")
        self.nothing_to_change("--refresh=false")
        self.nothing_to_change()
        self.assertIn(str(self.top / "two" / "out" / "config"), self.run_it("state", "show", "config"))

    def test_a_copy_leaves_the_first_one_alone(self):
        before = self.contents("one")
        self.copy_to("two")
        self.nothing_to_change()
        self.spec(SPEC.replace('"a"', '"b"'))
        self.assertIn("config", self.apply())
        self.assertEqual(self.read("out/config"), "b")
        self.run_it("rollback", "1", "--auto-approve")
        self.assertEqual(self.read("out/config"), "a")
        self.run_it("destroy", "--auto-approve")
        self.assertFalse(self.there("out"))
        self.assertEqual(self.contents("one"), before)
        self.go_to("one")
        self.nothing_to_change()

    def test_a_copy_without_what_was_made_makes_it(self):
        self.copy_to("two")
        shutil.rmtree(self.path / "out")
        self.apply()
        self.assertEqual(self.contents("two"), self.contents("one"))

    def test_reached_by_a_link_it_is_the_same_project(self):
        (self.top / "link").symlink_to(self.path)
        self.assertEqual(subprocess.run([HADEPLOY, "plan", "--detailed-exitcode", "--chdir",
                                         self.top / "link"], capture_output=True).returncode, 0)

    def test_by_a_link_whole_paths_and_parents_are_the_same_too(self):
        self.spec("resources:\n"
                  f"  whole: {{type: local.directory, path: {self.path}/whole, force: true}}\n"
                  f"  file: {{type: local.file, path: {self.path}/whole/f, content: x, "
                  "depends_on: [whole]}\n"
                  "  beside: {type: local.file, path: ../beside, content: x}\n")
        self.apply()
        (self.top / "elsewhere").mkdir()
        (self.top / "elsewhere" / "link").symlink_to(self.path)
        self.nothing_to_change("--chdir", str(self.top / "elsewhere" / "link"))
        self.nothing_to_change()

    def test_a_link_into_the_first_project_is_refused(self):
        """With the copied link `destroy` would remove files of the first project."""
        before = self.contents("one")
        self.copy_to("two")
        shutil.rmtree(self.path / "out")
        (self.path / "out").symlink_to("../one/out")
        for words in (("plan",), ("destroy", "--auto-approve")):
            text = self.run_it(*words, code=1)
            self.assertIn("config\" leads through a symbolic link into a different project", text)
            self.assertIn("`hadeploy state rm 'config'` removes the resource from the state", text)
        self.assertEqual(self.contents("one"), before)
        (self.path / "out").unlink()
        self.run_it("destroy", "--auto-approve", "--exclude", "made")
        self.assertEqual(self.contents("one"), before)

    def test_links_within_a_project_and_to_places_of_nobody_are_followed(self):
        (self.top / "disk").mkdir()
        (self.path / "inside").mkdir()
        (self.path / "near").symlink_to("inside")
        (self.path / "far").symlink_to("../disk")
        self.spec("resources:\n"
                  "  near: {type: local.file, path: near/f, content: x}\n"
                  "  far: {type: local.file, path: far/f, content: x}\n")
        self.apply()
        self.assertTrue(self.there("inside/f") and (self.top / "disk" / "f").exists())
        self.run_it("destroy", "--auto-approve")
        self.assertFalse(self.there("inside/f") or (self.top / "disk" / "f").exists())

    def test_a_pulled_state_fits_another_directory(self):
        (self.top / "state.json").write_text(self.run_it("state", "pull"))
        key = self.path / ".hadeploy" / "state.db.key"
        other = self.top / "two"
        shutil.copytree(self.path, other, ignore=lambda _, names: [n for n in names if n == ".hadeploy"])
        (other / ".hadeploy").mkdir(mode=0o700)
        shutil.copy(key, other / ".hadeploy")
        self.go_to("two")
        self.run_it("state", "push", "--force", "../state.json")
        self.nothing_to_change()

    def test_paths_outside_stay_what_they_are(self):
        outside = self.top / "outside"
        self.spec(SPEC.replace("resources:", f"resources:\n  far: {{type: local.file, path: {outside}, "
                                             "content: x}"))
        self.apply()
        self.copy_to("two")
        self.nothing_to_change()
        self.assertIn(str(outside), self.run_it("state", "show", "far"))
        with sqlite3.connect(self.path / ".hadeploy" / "state.db") as db:
            texts = [row[0] for row in db.execute("SELECT config FROM resources")]
        self.assertFalse([t for t in texts if str(self.top / "one") in t])

    def test_a_copied_example_is_unchanged(self):
        self.path = self.top / "stack"
        shutil.copytree(EXAMPLES / "local-stack", self.path)
        self.apply()
        self.copy_to("copy")
        self.path.with_name("stack").rename(self.top / "gone")  # nothing reads the original
        self.nothing_to_change("--refresh=false")
        self.nothing_to_change()

    def test_a_copied_environment_is_unchanged(self):
        self.run_it("destroy", "--auto-approve")
        self.write("environments/staging.yaml", "where: ../out-staging\n")
        self.spec(SPEC.replace('"a"', '"${env.name}"').replace("out/made", "out-staging/made"))
        self.apply("--env", "staging")
        self.copy_to("two")
        self.nothing_to_change("--env", "staging")
        self.run_it("--env", "staging", "destroy", "--auto-approve")
        self.assertTrue((self.top / "one" / "out-staging" / "config").exists())

    @unittest.skipUnless(os.geteuid() == 0 and os.path.exists("/usr/sbin/sshd"), "needs root and sshd")
    def test_a_copy_with_hosts_is_unchanged(self):
        """The key of the login, the archive of a directory and a template are files of the project."""
        self.path = self.top / "hosts"
        self.path.mkdir()
        machine = self.top / "machine"
        port = own_sshd.serve(self, machine, self.top / "key")
        shutil.copy(self.top / "key", self.path)  # the server keeps the public key: the project moves
        self.write("source.txt", "text")
        self.spec(f"""
resources:
  operator: {{type: ssh.key}}
  box:
    type: ssh.host
    address: 127.0.0.1
    port: {port}
    user: root
    private_key_file: key
    host_key: "{own_sshd.public_key(machine)}"
  text: {{type: host.file, host: "${{box.connection}}", path: "{self.top}/text", content: "${{file('source.txt')}}"}}
  copied: {{type: host.file, host: "${{box.connection}}", path: "{self.top}/copied", source: source.txt}}
outputs: {{key: "${{operator.public_key}}"}}
""")
        self.apply()
        self.copy_to("copy")
        (self.top / "hosts").rename(self.top / "gone")
        self.nothing_to_change("--refresh=false")
        self.nothing_to_change()
        with sqlite3.connect(self.path / ".hadeploy" / "state.db") as db:
            texts = [text for row in db.execute("SELECT config, attributes FROM resources") for text in row]
        self.assertFalse([t for t in texts if t and str(self.top / "hosts") in t])


if __name__ == "__main__":
    skips.main()
