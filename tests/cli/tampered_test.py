#!/usr/bin/env python3
"""Records lead to commands: a state that was edited by hand, in any part, runs nothing that hadeploy did not
record.

usage: tampered_test.py HADEPLOY [unittest options]
"""
import json
import os
import signal
import sqlite3
import subprocess
import time
import unittest

from local_project import HADEPLOY, Project, children_of

SPEC = """
resources:
  made:
    type: local.exec
    create: echo made >>made
    delete: echo deleted >>deleted
  left: {type: local.file, path: left, content: x}
"""


INCOMPLETE = "were removed, added or replaced by older versions outside hadeploy"


class Tampered(Project):
    def setUp(self):
        super().setUp()
        self.spec(SPEC)
        self.apply()

    def edit(self, *statements):
        with sqlite3.connect(self.path / ".hadeploy" / "state.db") as db:
            for statement in statements:
                self.assertGreater(db.execute(statement).rowcount, 0, statement)
        db.close()

    def check_nothing_ran(self, *commands, says="was altered outside hadeploy"):
        for words in commands:
            self.assertIn(says, self.run_it(*words, code=1))
        for name in ("evil", "deleted"):
            self.assertFalse(self.there(name))

    def test_a_command_in_a_record(self):
        self.edit("UPDATE resources SET config = replace(config, 'echo deleted', 'echo evil >evil;'),"
                  " attributes = replace(attributes, 'echo deleted', 'echo evil >evil;')"
                  " WHERE address = 'made'")
        self.check_nothing_ran(["destroy", "--auto-approve"], ["apply", "--auto-approve"],
                               ["apply", "--auto-approve", "--replace", "made"], ["plan"],
                               ["apply", "--refresh-only", "--auto-approve"],
                               ["state", "mv", "made", "other"], ["taint", "made"])

    def test_a_path_that_is_removed(self):
        (self.path / "precious").write_text("kept")
        self.edit("UPDATE resources SET config = replace(config, '\"left\"', '\"precious\"'),"
                  " attributes = replace(attributes, '\"left\"', '\"precious\"') WHERE address = 'left'")
        self.check_nothing_ran(["destroy", "--auto-approve"])
        self.assertEqual(self.read("precious"), "kept")

    def test_a_record_of_another_type_or_address(self):
        self.edit("UPDATE resources SET address = 'gone' WHERE address = 'made'")
        self.check_nothing_ran(["apply", "--auto-approve"], ["destroy", "--auto-approve"], says=INCOMPLETE)

    def test_a_record_that_was_made_up(self):
        self.edit("INSERT INTO resources SELECT 'evil', type, generation, identity,"
                  " replace(config, 'echo deleted', 'echo evil >evil;'), attributes, depends_on,"
                  " tainted, mac FROM resources WHERE address = 'made'")
        self.check_nothing_ran(["apply", "--auto-approve"], ["destroy", "--auto-approve"], says=INCOMPLETE)

    def test_a_record_that_was_put_back(self):
        state = self.path / ".hadeploy" / "state.db"
        with sqlite3.connect(state) as db:
            row = db.execute("SELECT * FROM resources WHERE address = 'made'").fetchone()
        db.close()
        self.run_it("state", "rm", "made")
        with sqlite3.connect(state) as db:
            db.execute(f"INSERT INTO resources VALUES ({', '.join('?' * len(row))})", row)
        db.close()
        self.check_nothing_ran(["destroy", "--auto-approve"], ["apply", "--auto-approve"], ["plan"],
                               says=INCOMPLETE)

    def test_what_an_interrupted_run_left(self):
        self.spec("resources:\n  slow:\n    type: local.exec\n    create: touch begun; sleep 60\n"
                  "    delete: echo deleted >>deleted\n")
        run = subprocess.Popen([HADEPLOY, "apply", "--auto-approve"], cwd=self.path,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        while not self.there("begun"):
            self.assertIsNone(run.poll())
            time.sleep(0.02)
        scripts = children_of(run.pid)
        run.kill()
        run.wait()
        for script in scripts:
            os.killpg(script, signal.SIGKILL)
        (self.path / "deleted").unlink(missing_ok=True)
        self.edit("UPDATE intents SET config = replace(config, 'echo deleted', 'echo evil >evil;')")
        self.check_nothing_ran(["destroy", "--auto-approve"], ["apply", "--auto-approve"])

    def test_what_a_rollback_follows(self):
        self.spec(SPEC.replace("echo made", "echo again"))
        self.apply()
        (self.path / "deleted").unlink(missing_ok=True)
        evil = {"files": {"hadeploy.yaml": "name: test\nresources: {e: {type: local.exec, create: "
                                           "'echo evil >evil'}}\n"},
                "variables": {}, "secrets": {}, "moves": {}, "destroy": False, "partial": False}
        self.edit(f"UPDATE runs SET spec = '{json.dumps(evil)}'".replace("'echo evil >evil'",
                                                                      "''echo evil >evil''"))
        self.check_nothing_ran(["rollback", "1", "--auto-approve"],
                               says="the history does not contain the inputs of this run")

    def test_settings_of_providers_that_a_destroy_without_a_spec_follows(self):
        self.spec("resources: {")
        evil = {"settings": {"libvirt": {"uri": "qemu+ext:///system?command=/tmp/evil"}},
                "variables": {}, "secrets": {}}
        self.edit(f"UPDATE runs SET spec = '{json.dumps(evil)}'")
        out = self.run_it("destroy", "--auto-approve", code=65)
        self.assertIn("provider settings come from the history", out)
        self.assertFalse(self.there("deleted"))

    def test_a_state_without_its_lock(self):
        """Makes the state look like one from before states were sealed."""
        self.edit("UPDATE resources SET config = replace(config, 'echo deleted', 'echo evil >evil;'),"
                  " attributes = replace(attributes, 'echo deleted', 'echo evil >evil;')")
        self.edit("UPDATE project SET key_lock = ''")
        self.edit("UPDATE runs SET spec = ''")
        for words in (["destroy", "--auto-approve"], ["plan"], ["status"], ["show"]):
            self.check_nothing_ran(words, says="is not sealed")

    def test_a_pulled_state_that_is_pushed(self):
        self.write("pulled.json", subprocess.run([HADEPLOY, "state", "pull"], cwd=self.path, text=True,
                                                 capture_output=True, check=True).stdout)
        text = self.read("pulled.json").replace("echo deleted >>deleted", "echo evil >evil")
        self.write("edited.json", text)
        self.check_nothing_ran(["state", "push", "edited.json"])
        self.run_it("state", "push", "pulled.json")
        self.run_it("state", "push", "--force", "--edited", "edited.json")  # on purpose

    def test_the_note_of_a_plan_without_changes(self):
        self.spec(SPEC.split("  left:")[0])  # local files disable the fast path
        self.apply()
        self.run_it("plan")
        note = self.path / ".hadeploy" / "cache" / "unchanged.json"
        mac, text = note.read_text().split("\n", 1)
        edited = json.loads(text)
        edited["settings"]["libvirt"] = {"uri": "qemu+ext:///system?command=/tmp/evil"}
        note.write_text(mac + "\n" + json.dumps(edited, separators=(",", ":"), sort_keys=True))
        self.run_it("plan", "--profile", "trace.json")
        self.assertIn("load the spec", self.read("trace.json"))  # the normal path
        self.assertEqual(note.read_text().split("\n", 1)[0], mac)  # and the note is written again unchanged


if __name__ == "__main__":
    unittest.main()
