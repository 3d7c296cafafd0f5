#!/usr/bin/env python3
"""Damage to the state file from outside, with the real program: an older copy is restored, a journal is left
or removed, the directory is read-only, the file is on a network file system.

usage: state_test.py HADEPLOY DISK_LIBRARY [unittest options]
"""
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import skips

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
DISK = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""
MOST_SECONDS = 60
APPLY = ("apply", "--auto-approve")


def thing(name, more=""):
    """A resource that counts how often it was created; `slow` waits for the file `go`."""
    wait = "for i in $(seq 3000); do [ -e go ] && break; sleep 0.02; done; " if name == "slow" else ""
    return f"""
  {name}:
    type: local.exec
    create: "echo {name} >>made; {wait}echo 1 >{name}"
    read: "[ -e {name} ] || exit 44"
    delete: rm -f {name}{more}"""


def spec(*things):
    return "name: kept\nresources:" + "".join(things) + "\n"


class StateTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-state-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.state = self.path / ".hadeploy" / "state.db"
        self.environment = {"PATH": os.environ["PATH"], "HOME": directory.name}

    def write(self, *things):
        (self.path / "hadeploy.yaml").write_text(spec(*things))

    def run_it(self, *words, status=0, inside=(), **environment):
        """Both output streams."""
        done = subprocess.run([*inside, HADEPLOY, *words], cwd=self.path, text=True,
                              env=self.environment | environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=MOST_SECONDS)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def beside(self, suffix):
        return pathlib.Path(f"{self.state}{suffix}")

    def made(self):
        return sorted((self.path / "made").read_text().split())

    def settled(self, *addresses):
        """Everything matches the spec, and each object exists once and is recorded once."""
        self.run_it("plan", "--detailed-exitcode")
        self.assertEqual(self.run_it("state", "list").split(), sorted(addresses))
        with sqlite3.connect(f"file:{self.state}?mode=ro", uri=True) as db:
            self.assertEqual(db.execute("SELECT count(*) FROM intents").fetchone()[0], 0)
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")

    def test_an_older_copy_is_put_back(self):
        self.write(thing("stays"), thing("goes"))
        self.run_it(*APPLY)
        shutil.copy(self.state, self.path / "backup")
        self.run_it("plan", "--out", "old")
        self.write(thing("stays"), thing("comes"))
        self.run_it(*APPLY)
        self.run_it("plan", "--replace", "stays", "--out", "saved")
        shutil.copy(self.path / "backup", self.state)
        # a plan made with the later state is refused
        self.assertIn("saved", self.run_it("apply", "saved", status=1))
        plan = json.loads(self.run_it("plan", "--json").splitlines()[-1])
        self.assertEqual({action: n for action, n in plan["counts"].items() if n},
                         {"adopt": 1, "forget": 1})
        self.run_it(*APPLY)
        self.assertEqual(self.made(), ["comes", "goes", "stays"])  # once each
        self.settled("stays", "comes")

    def killed(self):
        """Killed while `slow` is created, which continues to its end; `first` is recorded."""
        self.write(thing("first"), thing("slow", "\n    depends_on: [first]"))
        run = subprocess.Popen([HADEPLOY, *APPLY], cwd=self.path, env=self.environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + MOST_SECONDS
        while not (self.path / "made").exists() or self.made() != ["first", "slow"]:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        run.kill()
        run.wait()
        (self.path / "go").touch()

    def test_the_log_of_a_killed_run_is_gone_on_with(self):
        self.killed()
        self.assertGreater(self.beside("-wal").stat().st_size, 0)
        self.assertIn("create  slow\n", self.run_it("plan"))
        self.run_it(*APPLY)
        self.assertFalse(self.beside("-wal").exists())  # a single file again at rest
        self.settled("first", "slow")

    def test_the_log_of_a_killed_run_was_deleted(self):
        self.killed()
        self.beside("-wal").unlink()
        self.beside("-shm").unlink()
        self.run_it(*APPLY)
        self.assertEqual(self.made(), ["first", "slow"])  # existing objects were read, not created again
        self.settled("first", "slow")

    def begin_to_write(self):
        """Simulates a writer that was killed with half a transaction in the file."""
        writer = os.fork()
        if writer == 0:
            db = sqlite3.connect(self.state, isolation_level=None)
            db.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the commit
            db.execute("BEGIN IMMEDIATE")
            for n in range(2000):
                db.execute("INSERT INTO resources VALUES (?, 'x.y', 1, ?, ?, 'null', '[]', 0, '')",
                           (f"r{n}", f"i{n}", "'" + "x" * 500 + "'"))
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(writer, 0)
        self.assertGreater(self.beside("-journal").stat().st_size, 0)

    def test_a_hot_journal_is_rolled_back(self):
        self.write(thing("one"))
        self.run_it(*APPLY)
        before = self.state.read_bytes()
        self.begin_to_write()
        self.assertNotEqual(self.state.read_bytes(), before)
        self.assertIn("one", self.run_it("state", "list"))
        self.settled("one")

    def test_a_hot_journal_was_deleted(self):
        self.write(thing("one"))
        self.run_it(*APPLY)
        self.begin_to_write()
        self.beside("-journal").unlink()
        self.write(thing("one"), thing("two"))
        self.run_it(*APPLY)  # the partial transaction is discarded
        self.assertEqual(self.made(), ["one", "two"])
        self.settled("one", "two")

    def test_nothing_there_may_be_written(self):
        alone = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
        if subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
            self.skipTest("no mounts of its own may be made here")
        self.write(thing("one"))
        self.run_it(*APPLY)
        self.write(thing("one"), thing("two"))
        folder = self.state.parent
        inside = [*alone, "sh", "-ec", f"mount --bind {folder} {folder}\n"
                  f"mount -o remount,bind,ro {folder}\n" 'exec "$@"', "sh"]
        self.assertIn("1 to create", self.run_it("plan", inside=inside))
        said = self.run_it(*APPLY, status=1, inside=inside)
        self.assertIn(f'error: the state "{self.state}" cannot be opened or written: '
                      "no permission to write, or a read-only file system\n"
                      f"  hint: check its owner, its directory and the mount: ls -ld {folder} "
                      f"{self.state}\n", said)
        self.assertEqual(self.made(), ["one"])
        self.run_it(*APPLY)
        self.settled("one", "two")

    def test_on_a_network_s_disk(self):
        self.write(thing("one"))
        nfs = {"LD_PRELOAD": DISK, "HADEPLOY_TEST_DISK": "6969"}
        refusal = (f'error: the state "{self.state}" is on a network file system (NFS), where '
                   "locks cannot exclude a second writer\n  hint: keep it on a local disk\n")
        self.assertIn(refusal, self.run_it(*APPLY, status=1, **nfs))
        self.assertEqual(os.listdir(self.path), ["hadeploy.yaml"])
        self.run_it(*APPLY, LD_PRELOAD=DISK, HADEPLOY_TEST_DISK="ef53")  # ext4's
        for words in (("plan",), ("state", "list"), ("destroy", "--auto-approve")):
            self.assertIn(refusal, self.run_it(*words, status=1, **nfs))
        self.settled("one")


if __name__ == "__main__":
    skips.main()
