#!/usr/bin/env python3
"""Concurrent runs on one state: one works, the others name it, and wait or exit. The lock of a killed run
is released.

usage: lock_test.py HADEPLOY [unittest options]

With HADEPLOY_TEST_STATE (see ../state/postgres_server.py) the state is in PostgreSQL.
"""
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
SERVER = os.environ.get("HADEPLOY_TEST_STATE")
AT_ONCE = 8
ROUNDS = 100
MOST_SECONDS = 60  # after this a test hangs

# the test decides when `slow` is created; `made` counts how often.
SPEC = """
name: locked
resources:
  slow:
    type: local.exec
    create: |
      echo made >>made
      for i in $(seq 3000); do [ -e go ] && break; sleep 0.02; done
    read: "[ -e made ] || exit 44"
    delete: rm -f made go
  after: {type: local.exec, create: "echo after >>made", delete: "true", depends_on: [slow]}
"""
QUICK = """
name: locked
resources:
""" + "".join(f"""
  r{n}:
    type: local.exec
    create: "sleep 0.00{n}; : >r{n}"
    read: "[ -e r{n} ] || exit 44"
    delete: rm -f r{n}
""" for n in range(6))


class LockTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-lock-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.environment = {"PATH": os.environ["PATH"], "HOME": directory.name}
        if SERVER:
            self.schema = f"lock_{self.path.name[-8:].lower()}"
            self.environment |= {"HADEPLOY_STATE": f"{SERVER}&schema={self.schema}",
                                 "HADEPLOY_STATE_KEY_FILE": f"{directory.name}/key"}
        self.going = []
        self.addCleanup(self.end_all)

    def end_all(self):
        (self.path / "go").touch()  # ends the script that waits for it
        for run in self.going:
            try:
                run.communicate(timeout=MOST_SECONDS)
            except subprocess.TimeoutExpired:
                run.kill()

    def start(self, *words):
        run = subprocess.Popen([HADEPLOY, *words], cwd=self.path, env=self.environment, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        self.going.append(run)
        return run

    def run_it(self, *words, status=0):
        run = self.start(*words)
        out, err = run.communicate(timeout=MOST_SECONDS)
        self.assertEqual(run.returncode, status, out + err)
        return out + err

    def until(self, condition, what):
        deadline = time.monotonic() + MOST_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"waited in vain for: {what}")
            time.sleep(0.02)

    def made(self):
        file = self.path / "made"
        return file.read_text().split() if file.exists() else []

    def stored(self, query):
        done = subprocess.run(["psql", "-XAt", os.environ["HADEPLOY_TEST_SERVER"], "-c",
                               f"SET search_path = {self.schema}", "-c", query],
                              env=self.environment, text=True, capture_output=True, check=True)
        return done.stdout.strip().splitlines()[-1]

    def owner(self):
        if SERVER:
            return json.loads(self.stored("SELECT owner FROM project"))
        return json.loads((self.path / ".hadeploy" / "state.db.lock").read_text())

    def intents(self):
        if SERVER:
            return int(self.stored("SELECT count(*) FROM intents"))
        with sqlite3.connect(f"file:{self.path}/.hadeploy/state.db?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM intents").fetchone()[0]

    def begin(self, *more):
        """Starts eight runs; returns the one that works, and the others."""
        (self.path / "hadeploy.yaml").write_text(SPEC)
        runs = [self.start("apply", "--auto-approve", "--progress", "plain", *more)
                for _ in range(AT_ONCE)]
        self.until(lambda: self.made(), "the first one's work")
        return runs

    def test_one_works_and_the_others_say_who_and_leave(self):
        runs = self.begin()
        self.until(lambda: sum(run.poll() is not None for run in runs) == AT_ONCE - 1, "the others")
        worker = next(run for run in runs if run.poll() is None)
        for run in runs:
            if run is worker:
                continue
            out, err = run.communicate()
            self.assertEqual(run.returncode, 75, out + err)
            self.assertIn("is in use: \"apply\" by ", err)
            self.assertIn(f", pid {worker.pid}, since ", err)
            self.assertIn(f"kill -INT {worker.pid}", err)
        # reading needs no lock, and shows what is in progress
        plan = self.run_it("plan")
        self.assertIn("Unfinished changes of an earlier run, completed first:\n"
                      "      create  slow\n", plan)
        self.assertIn('"resumed":{"slow":"create"}', self.run_it("plan", "--json"))
        for words in (["state", "list"], ["show"], ["history"], ["output"], ["state", "pull"]):
            self.run_it(*words)
        self.assertIn(f"pid {worker.pid}", self.run_it("state", "rm", "slow", status=75))
        (self.path / "go").touch()
        out, err = worker.communicate(timeout=MOST_SECONDS)
        self.assertEqual(worker.returncode, 0, out + err)
        self.assertEqual(self.made(), ["made", "after"])
        self.assertIn("Nothing to change", self.run_it("apply", "--auto-approve"))

    def test_one_works_and_the_others_wait(self):
        runs = self.begin("--lock-timeout", str(MOST_SECONDS))
        worker = self.owner()["pid"]
        self.assertIn(worker, [run.pid for run in runs])
        for run in runs:
            if run.pid != worker:
                said = run.stderr.readline()
                if said.startswith("note: the schema "):  # it created the schema, but another one locked it first
                    said = run.stderr.readline()
                self.assertIn("waiting: the state ", said)
                self.assertIn(f", pid {worker}, since ", said)
        (self.path / "go").touch()
        for run in runs:
            out, err = run.communicate(timeout=MOST_SECONDS)
            self.assertEqual(run.returncode, 0, out + err)
        self.assertEqual(self.made(), ["made", "after"])  # by all eight, once
        history = self.run_it("history").splitlines()
        self.assertEqual(len(history), 1, history)

    def test_who_waits_can_be_told_to_leave(self):
        runs = self.begin()
        self.until(lambda: sum(run.poll() is not None for run in runs) == AT_ONCE - 1, "the others")
        waiting = self.start("apply", "--auto-approve", "--lock-timeout", str(10 * MOST_SECONDS))
        first = waiting.stderr.readline()
        self.assertIn("waiting: ", first)
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=MOST_SECONDS)
        self.assertEqual(waiting.returncode, 130, out + err)
        # a run that reached its timeout exits with a message
        self.assertIn("is in use", self.run_it("destroy", "--auto-approve", "--lock-timeout", "1",
                                               status=75))

    def begin_anew(self):
        for file in self.path.glob("r*"):
            file.unlink()

    def test_a_killed_owner_leaves_no_lock(self):
        (self.path / "hadeploy.yaml").write_text(QUICK)
        chance = random.Random(7)
        killed = 0
        began = time.monotonic()
        self.run_it("apply", "--auto-approve")
        takes = time.monotonic() - began  # so that kills happen at any point of it
        self.begin_anew()
        for _ in range(ROUNDS):
            # a child that was being started when its parent was killed may hold the lock until it
            # is started: a blink, not a stale lock, which would be held for ever
            run = self.start("apply", "--auto-approve", "--lock-timeout", "10")
            try:
                run.wait(timeout=chance.uniform(0, takes))
            except subprocess.TimeoutExpired:
                run.kill()
                killed += 1
            out, err = run.communicate()
            self.assertIn(run.returncode, (0, -signal.SIGKILL), out + err)
            if run.returncode == 0:
                self.begin_anew()
        self.assertGreater(killed, 0)
        self.run_it("apply", "--auto-approve", "--lock-timeout", "10")
        self.assertEqual(self.intents(), 0)
        self.run_it("plan", "--detailed-exitcode")
        print(f"{ROUNDS} rounds, {killed} killed")


if __name__ == "__main__":
    unittest.main()
