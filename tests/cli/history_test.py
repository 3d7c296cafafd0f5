#!/usr/bin/env python3
"""The history, rollbacks, and a change of the key. Needs only this machine.

usage: history_test.py HADEPLOY [unittest options]
"""
import json
import os
import pathlib
import pwd
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"

SPEC = """
name: past
variables:
  word: {type: string, default: hello}
  password: {type: string, secret: true, default: canary-default}
modules:
  part: {source: part, with: {word: "${var.word}"}}
resources:
  config: {type: local.file, path: config, mode: "0600", content: "${var.word} ${var.password}\\n"}
outputs: {word: "${var.word}", made: "${module.part.made}"}
"""
MODULE = """
variables: {word: {type: string}}
resources:
  file: {type: local.file, path: ../part.txt, content: "part ${var.word}\\n"}
outputs: {made: "${file.path}"}
"""


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-history-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.environment = {"PATH": os.environ["PATH"], "HOME": directory.name}
        self.write("hadeploy.yaml", SPEC)
        (self.path / "part").mkdir()
        self.write("part/module.yaml", MODULE)

    def write(self, name, text, mode=0o644):
        (self.path / name).write_text(text)
        (self.path / name).chmod(mode)

    def read(self, name):
        return (self.path / name).read_text()

    def run_it(self, *words, status=0):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                              start_new_session=True)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def apply(self, *words, **more):
        return self.run_it("apply", "--auto-approve", *words, **more)

    def rollback(self, run, **more):
        return self.run_it("rollback", str(run), "--auto-approve", **more)

    def runs(self):
        return [json.loads(line) for line in self.run_it("history", "--json").splitlines()]

    def results(self):
        return [(r["command"], r["result"]) for r in self.runs()]


class RollbackTest(Case):
    def test_other_variables_and_a_secret(self):
        self.apply("--var", "word=one", "--var", "password=canary-one")
        self.environment["HADEPLOY_VAR_password"] = "canary-two"
        self.write("values.yaml", "word: two\n")
        self.apply("--var-file", "values.yaml")
        self.assertEqual(self.read("config"), "two canary-two\n")
        (self.path / "values.yaml").unlink()
        # the present environment and command line have no influence
        shown = self.rollback(1)
        self.assertEqual(self.read("config"), "one canary-one\n")
        self.assertEqual(self.read("part.txt"), "part one\n")
        self.assertNotIn("canary", shown)
        self.assertIn("one", self.run_it("output", "word"))
        self.assertEqual(self.results(),
                         [("apply", "done"), ("apply", "done"), ("rollback 1", "done")])
        self.rollback(2)
        self.assertEqual(self.read("config"), "two canary-two\n")
        self.rollback(3)  # a rollback can be rolled back too
        self.assertEqual(self.read("config"), "one canary-one\n")
        self.assertIn("Nothing to change", self.rollback(3))

    def test_the_spec_and_its_modules_are_gone_or_broken(self):
        self.apply()
        self.write("part/module.yaml", MODULE.replace("part ${", "other ${"))
        self.apply()
        self.assertEqual(self.read("part.txt"), "other hello\n")
        shutil.rmtree(self.path / "part")
        self.write("hadeploy.yaml", "name: past\nresources: [\n")
        self.rollback(1)
        self.assertEqual(self.read("part.txt"), "part hello\n")
        (self.path / "hadeploy.yaml").unlink()
        self.rollback(2)
        self.assertEqual(self.read("part.txt"), "other hello\n")
        self.assertIn("rollback 2", self.run_it("history"))

    def test_to_before_and_after_a_destroy(self):
        self.apply()
        self.run_it("destroy", "--auto-approve")
        self.assertFalse((self.path / "config").exists())
        self.rollback(1)
        self.assertEqual(self.read("config"), "hello canary-default\n")
        self.rollback(2)
        self.assertFalse((self.path / "config").exists())
        self.assertEqual(self.run_it("state", "list"), "")

    def test_a_resource_more_and_one_less(self):
        self.apply()
        self.write("hadeploy.yaml", SPEC.replace("outputs:", "  more: {type: local.file, path: more, "
                                                 "content: x}\noutputs:").replace("  config:", "  other:"))
        self.apply()
        self.assertTrue((self.path / "more").exists())
        self.rollback(1)
        self.assertFalse((self.path / "more").exists())
        self.assertEqual(self.run_it("state", "list").split(), ["config", "module.part.file"])

    def back(self, **more):
        return self.run_it("rollback", "--auto-approve", **more)

    def test_to_the_previous_version(self):
        self.assertIn("nothing has been applied yet", self.back(status=64))
        self.run_it("apply", "--auto-approve")
        self.assertIn("no earlier successful run had a different spec", self.back(status=64))
        self.apply("--var", "word=two")
        (self.path / "config").unlink()
        self.apply("--var", "word=two")  # the same version again
        self.assertIn("going back to run 1: apply\n", self.back())
        self.assertEqual(self.read("config"), "hello canary-default\n")
        self.assertIn("going back to run 3: apply\n", self.back())
        self.assertEqual(self.read("config"), "two canary-default\n")
        # a version that failed in part
        self.write("hadeploy.yaml", SPEC.replace(
            "outputs:", '  bad: {type: local.exec, create: "exit 3", delete: "true"}\noutputs:'))
        self.apply("--var", "word=three", status=1)
        self.assertEqual(self.read("config"), "three canary-default\n")
        self.assertIn("going back to run 5: rollback 3\n", self.back())
        self.assertEqual(self.read("config"), "two canary-default\n")
        # a removal of everything is no version
        self.run_it("destroy", "--auto-approve")
        self.write("hadeploy.yaml", SPEC)
        self.apply("--var", "word=four")
        self.assertIn("going back to run 7: rollback 5\n", self.back())
        self.assertEqual(self.read("config"), "two canary-default\n")

    def test_what_can_not_be_gone_back_to(self):
        self.assertIn("nothing has been applied yet", self.rollback(1, status=64))
        self.write("hadeploy.yaml", SPEC.replace(
            "outputs:", '  bad: {type: local.exec, create: "exit 3", delete: "true"}\noutputs:'))
        self.apply(status=1)
        self.assertIn("run 1 did not succeed (failed)", self.rollback(1, status=64))
        self.write("hadeploy.yaml", SPEC)
        self.apply("--target", "config", "--var", "word=part")
        self.assertIn("only a part", self.rollback(2, status=64))
        self.assertIn("`hadeploy history` lists them", self.rollback(9, status=64))
        self.apply()
        self.apply("--var", "word=last")
        self.assertIn("no terminal to ask on", self.run_it("rollback", "3", status=64))
        self.assertEqual(len(self.runs()), 4)  # none of these was a run

    def test_each_run_keeps_what_it_did(self):
        self.apply()
        self.apply("--var", "word=two")
        runs = self.runs()
        self.assertEqual([r["run"] for r in runs], [1, 2])
        self.assertEqual((runs[0]["counts"]["created"], runs[1]["counts"]["changed"]), (2, 2))
        for run in runs:
            self.assertGreaterEqual(run["ended_ms"], run["started_ms"])
        with sqlite3.connect(f"file:{self.path}/.hadeploy/state.db?mode=ro", uri=True) as db:
            steps = db.execute("SELECT run, address, action, result FROM steps ORDER BY run, address")
            self.assertEqual(steps.fetchall(), [(1, "config", "create", "done"),
                                                (1, "module.part.file", "create", "done"),
                                                (2, "config", "update", "done"),
                                                (2, "module.part.file", "update", "done")])
            specs = [json.loads(row[0]) for row in db.execute("SELECT spec FROM runs")]
        for spec in specs:
            self.assertEqual(list(spec), ["$sealed"])


class OriginTest(Case):
    """Who started a run, and from what."""

    def git(self, *words):
        done = subprocess.run(["git", "-c", "user.name=ann", "-c", "user.email=ann@example.com", "-C", self.path, *words],
                              env=self.environment, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    def origin(self):
        return self.runs()[-1]["origin"]

    def test_user_and_machine(self):
        self.apply()
        self.assertEqual(self.origin(), {"user": pwd.getpwuid(os.geteuid()).pw_name, "host": os.uname().nodename})
        self.assertIn(f"{self.origin()['user']}@{self.origin()['host']}", self.run_it("history"))

    def test_jobs_of_ci(self):
        self.environment |= {"GITHUB_ACTIONS": "true", "GITHUB_JOB": "deploy", "GITHUB_ACTOR": "ann", "GITHUB_RUN_ID": "7",
                             "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "ann/shop"}
        self.apply()
        self.assertEqual(self.origin()["ci"], {"system": "GitHub Actions", "job": "deploy", "user": "ann",
                                               "url": "https://github.com/ann/shop/actions/runs/7"})
        self.assertIn("  GitHub Actions  done", self.run_it("history"))
        self.environment["GITHUB_ACTIONS"] = ""
        self.environment |= {"GITLAB_CI": "true", "CI_JOB_NAME": "de\x1bploy", "GITLAB_USER_LOGIN": "bob",
                             "CI_JOB_URL": "https://gitlab.com/bob/shop/-/jobs/8"}
        self.apply("--var", "word=two")
        self.assertEqual(self.origin()["ci"]["user"], "bob")
        said = self.run_it("history", "show", "2")
        self.assertIn("job      de\\x1Bploy of GitLab CI, started by bob: https://gitlab.com/bob/shop/-/jobs/8", said)

    def test_the_commit(self):
        self.git("init", "-q")
        self.apply()
        self.assertNotIn("commit", self.origin())  # there is none yet
        self.git("add", "hadeploy.yaml", "part")
        self.git("commit", "-q", "-m", "first")
        commit = self.git("rev-parse", "HEAD")
        self.apply("--var", "word=two")
        self.assertEqual(self.origin()["commit"], {"id": commit, "changed": False})
        self.assertIn(f" {commit[:10]} ", self.run_it("history"))
        self.write("part/module.yaml", MODULE + "# edited\n")
        self.apply("--var", "word=three")
        self.assertEqual(self.origin()["commit"], {"id": commit, "changed": True})
        self.assertIn(f" {commit[:10]}+ ", self.run_it("history"))
        self.assertIn(f"{commit}, with uncommitted changes", self.run_it("history", "show", "3"))

    def test_git_that_does_not_answer(self):
        self.git("init", "-q")
        (self.path / "bin").mkdir()
        self.environment["PATH"] = f"{self.path / 'bin'}:{os.environ['PATH']}"
        for number, script in enumerate(("exit 3", "echo '# branch.oid evil; rm'", "sleep 60")):
            self.write("bin/git", f"#!/bin/sh\n{script}\n", 0o755)
            self.apply("--var", f"word=w{number}")
            self.assertNotIn("commit", self.origin())
        # a program that the repository names is not run
        self.environment["PATH"] = os.environ["PATH"]
        self.write("evil", "#!/bin/sh\ntouch started\n", 0o755)
        self.git("config", "core.fsmonitor", str(self.path / "evil"))
        self.apply("--var", "word=last")
        self.assertFalse((self.path / "started").exists())

    def test_a_run_with_its_plan_and_steps(self):
        self.write("hadeploy.yaml", SPEC.replace(
            "outputs:", '  bad: {type: local.exec, create: "echo no >&2; exit 3", delete: "true"}\noutputs:'))
        self.apply(status=1)
        said = self.run_it("history", "show", "1")
        for text in ("Run 1: apply\n", "result   failed\n", "+ config  local.file  create", "3 to create",
                     "create   module.part.file", "  failed\n", "error: "):
            self.assertIn(text, said)
        self.assertNotIn("canary", said)
        shown = json.loads(self.run_it("history", "show", "1", "--json"))
        self.assertEqual(shown["format_version"], 1)
        self.assertEqual([(s["address"], s["action"], s["outcome"]) for s in sorted(shown["steps"], key=lambda s: s["address"])],
                         [("bad", "create", "failed"), ("config", "create", "created"),
                          ("module.part.file", "create", "created")])
        self.assertIn("3 to create", shown["plan"])
        self.assertEqual(len(shown["errors"]), 1)
        self.assertNotIn("canary", json.dumps(shown))
        self.assertIn("there is no run 9", self.run_it("history", "show", "9", status=64))
        for word in ("last", "-1", "0", "0x1", "1.0", "1e3", "99999999999999999999", ""):
            for command in (["history", "show"], ["rollback"]):
                self.assertIn(f'N: "{word}" is not the number of a run', self.run_it(*command, word, status=64))

    def test_a_long_plan_is_recorded_as_a_summary(self):
        self.write("hadeploy.yaml", "name: past\nresources:\n  many: {count: 1001, type: local.value, "
                                    'input: "${count.index}"}\n')
        self.apply()
        plan = json.loads(self.run_it("history", "show", "1", "--json"))["plan"]
        self.assertIn("Plan: 1001 to create", plan)
        self.assertLess(len(plan.splitlines()), 20)

    def test_nobody_can_change_who_it_was(self):
        self.apply()
        with sqlite3.connect(self.path / ".hadeploy" / "state.db") as db:
            db.execute("UPDATE runs SET spec = '{\"origin\":{\"user\":\"eve\",\"host\":\"h\"}}'")
        db.close()
        self.assertNotIn("eve", self.run_it("history"))
        self.assertNotIn("origin", self.runs()[0])


class PlanFileTest(Case):
    def test_what_is_not_the_plan_that_was_saved_is_refused(self):
        self.run_it("plan", "--out", "saved")
        plan = (self.path / "saved").read_bytes()
        body = plan.index(b"\n") + 1
        header = plan.index(b'"project"') + 12  # in the name
        for at in (header, body, body + 40, len(plan) // 2, len(plan) - 2):
            altered = bytearray(plan)
            altered[at] = ord("B") if altered[at] != ord("B") else ord("C")
            (self.path / "altered").write_bytes(altered)
            self.assertIn("altered or truncated", self.run_it("apply", "altered", status=1))
        for cut in (0, 10, body, len(plan) - 1):
            (self.path / "altered").write_bytes(plan[:cut])
            self.assertIn("altered", self.run_it("apply", "altered", status=1))
        self.assertFalse((self.path / "config").exists())
        other = self.path / "other"
        other.mkdir()
        (other / "hadeploy.yaml").write_text("name: other\n")
        self.run_it("--chdir", "other", "apply", "--auto-approve")
        self.assertIn("does not open the saved plan",
                      self.run_it("--chdir", "other", "apply", "saved", status=1))
        self.run_it("apply", "saved")
        self.assertEqual(self.read("config"), "hello canary-default\n")
        self.assertIn("stale", self.run_it("apply", "saved", status=1))


class RekeyTest(Case):
    def state(self, name=""):
        return self.path / ".hadeploy" / ("state.db" + name)

    def rekey(self, *words, **more):
        return self.run_it("state", "rekey", *words, **more)

    def check(self):
        """The state is unchanged, and history, outputs and plans work."""
        self.assertEqual(self.run_it("state", "list").split(), ["config", "module.part.file"])
        self.run_it("plan", "--detailed-exitcode")
        self.assertEqual([r["result"] for r in self.runs()[:1]], ["done"])
        self.assertNotIn(b"canary", self.state().read_bytes())

    def test_the_key_file_gets_another_key(self):
        self.apply()
        before = self.state(".key").read_text()
        shutil.copy(self.state(), self.path / "copy")
        self.run_it("plan", "--out", "saved", "--var", "word=later")
        self.assertIn("The state is now encrypted with the first key in ", self.rekey())
        keys = self.state(".key").read_text()
        self.assertTrue(keys.endswith(before) and len(keys) == 2 * len(before), keys)
        self.assertEqual(stat.S_IMODE(self.state(".key").stat().st_mode), 0o600)
        self.check()
        self.run_it("show", "saved")  # the old key still opens earlier plans
        self.state(".key").write_text(keys[:len(before)])
        self.check()
        self.assertIn("does not open", self.run_it("show", "saved", status=1))
        self.apply("--var", "word=other", "--var", "password=canary-other")
        self.rollback(1)
        self.assertEqual(self.read("config"), "hello canary-default\n")
        self.state(".key").write_text(before)
        self.assertIn("does not open the state", self.run_it("state", "list", status=1))
        shutil.copy(self.path / "copy", self.state())
        self.check()

    def test_to_a_passphrase_and_to_a_file_elsewhere(self):
        self.apply()
        self.write("phrase", "correct horse\n", 0o600)
        self.assertIn("HADEPLOY_STATE_PASSPHRASE",
                      self.rekey("--new-passphrase-file", "phrase", "--json"))
        self.assertIn("encrypted with a passphrase", self.run_it("state", "list", status=1))
        self.environment["HADEPLOY_STATE_PASSPHRASE"] = "correct horse"
        self.check()
        self.assertIn("--new-passphrase-file FILE", self.rekey(status=64))  # no terminal to ask on
        self.write("other", "battery staple", 0o600)
        self.rekey("--new-passphrase-file", "other")
        self.assertIn("does not open", self.run_it("state", "list", status=1))
        self.environment["HADEPLOY_STATE_PASSPHRASE"] = "battery staple"
        self.check()
        self.rekey("--new-key-file", "elsewhere.key")
        self.assertEqual(stat.S_IMODE((self.path / "elsewhere.key").stat().st_mode), 0o600)
        del self.environment["HADEPLOY_STATE_PASSPHRASE"]
        self.environment["HADEPLOY_STATE_KEY_FILE"] = str(self.path / "elsewhere.key")
        self.check()
        self.environment["HADEPLOY_STATE_KEY"] = self.read("elsewhere.key").strip()
        self.environment.pop("HADEPLOY_STATE_KEY_FILE")
        self.check()
        self.assertIn("--new-key-file FILE", self.rekey(status=64))

    def test_what_is_refused_changes_nothing(self):
        self.assertIn("there is no state", self.rekey(status=1))
        self.apply()
        before = [self.state().read_bytes(), self.state(".key").read_bytes()]
        self.write("open", "x", 0o644)
        self.write("junk", "no key\n", 0o600)
        for words, status, text in ((("--new-passphrase-file", "open"), 1, "chmod 600"),
                                    (("--new-passphrase-file", "none"), 1, "No such file"),
                                    (("--new-key-file", "open"), 1, "accessible to other users"),
                                    (("--new-key-file", "junk"), 1, "contains no valid key"),
                                    (("--new-key-file", "a", "--new-passphrase-file", "b"), 64, "excludes")):
            self.assertIn(text, self.rekey(*words, status=status))
            self.check()
        self.assertEqual(self.state(".key").read_bytes(), before[1])

    def test_unsealed_is_refused_for_a_sealed_state(self):
        self.apply()
        before = self.state(".key").read_bytes()
        said = self.rekey("--unsealed", status=64)
        self.assertIn("is sealed", said)
        self.assertIn("leave out --unsealed", said)
        self.assertEqual(self.state(".key").read_bytes(), before)
        self.rekey()


if __name__ == "__main__":
    unittest.main()
