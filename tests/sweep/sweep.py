#!/usr/bin/env python3
"""Ends a real hadeploy at every point at which something becomes lasting, and lets the next run go on.

    tests/sweep/sweep.py HADEPLOY FAULT_LIBRARY [--every N] [--only create|replace|destroy|rekey]

A project of 46 resources, in the layers of the HA demo, is made, partly replaced and destroyed, and
its state gets another key. Its objects are files that commands of their own make, so they outlive
the kill. For each point (see fault.cpp) the phase is run and killed there, at every third one the
recovery is killed as well, and then one more run has to bring about the very same world: each object
once, no unfinished intent, no temporary file, an intact state, an empty next plan, and no secret in
anything that was written or printed. After that the same with ENOSPC and EIO from each of the
state's writes and syncs.
"""
import argparse
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile

CANARY = "canary-5up3r-s3cr3t"
# Points that the phases have at least: fewer means that the sweep has become blind somewhere.
LEAST = {"create": 600, "replace": 380, "destroy": 560, "rekey": 20}

OBJECT = """#!/bin/sh
# object create|read|delete NAME VALUE: an object is a file, which is there as a whole or not.
set -e
case $1 in
create) printf '%s' "$3" > "world/.$2"; mv "world/.$2" "world/$2" ;;
read) [ -e "world/$2" ] || exit 44 ;;
delete) rm -f "world/$2" "world/.$2"; exit 0 ;;
esac
printf '{"id": "%s", "value": "%s"}' "id-of-$2" "$(cat "world/$2")"
"""


def resource(name, value, more=(), read=True):
    lines = [f"  {name}:", "    type: local.exec", f'    create: ./object create {name} "{value}"']
    if read:
        lines.append(f"    read: ./object read {name}")
    lines += [f"    delete: ./object delete {name}", "    returns: {id: string, value: string}"]
    return lines + [f"    {line}" for line in more]


def spec():
    """network, pool, base, three machines; ten things on each; swarm, volume, four services."""
    out = ["name: sweep", "variables:", "  base: {type: string, default: one}",
           f"  password: {{type: string, secret: true, default: {CANARY}}}", "resources:",
           "  key: {type: random.password, length: 20}",
           "  ident: {type: random.id, bytes: 8}",
           '  note: {type: local.file, path: note.txt, content: "made of ${ident.hex}"}']
    out += resource("network", "net") + resource("pool", "pool", read=False)
    out += resource("base", "${var.base}", ['triggers: "${var.base}"',
                                            'environment: {PASSWORD: "${var.password}"}'])
    for n in (1, 2, 3):
        out += resource(f"node{n}", f"${{network.outputs.id}} ${{base.outputs.value}} {n}",
                        ['triggers: "${base.outputs.value}"'])
        for i in range(9):
            below = f"node{n}" if i % 3 == 0 else f"part{n}{i - 1}"
            out += resource(f"part{n}{i}", f"${{{below}.outputs.id}} {i}", read=i % 2 == 0)
    nodes = " ".join(f"${{part{n}8.outputs.id}}" for n in (1, 2, 3))
    out += resource("swarm", nodes) + resource("volume", nodes, read=False)
    for s in ("web", "database", "logger", "visualizer"):
        out += resource(s, "${swarm.outputs.id} ${volume.outputs.id}")
    return "\n".join(out) + "\n"


class Sweep:
    def __init__(self, args, work):
        self.hadeploy, self.library, self.every = args.hadeploy, args.library, args.every
        self.home = work / "project"
        self.kept = work / "kept"
        self.count_file = work / "count"
        self.golden = {}
        self.totals = {"points": 0, "kills": 0, "second kills": 0, "I/O faults": 0}
        self.home.mkdir()
        (self.home / "world").mkdir()
        (self.home / "object").write_text(OBJECT)
        (self.home / "object").chmod(0o755)
        (self.home / "hadeploy.yaml").write_text(spec())

    def run(self, *command, at=None, kind="kill"):
        env = dict(os.environ)
        if at is not None:
            env |= {"LD_PRELOAD": self.library, "HADEPLOY_FAULT_AT": str(at), "HADEPLOY_FAULT": kind,
                    "HADEPLOY_FAULT_COUNT": str(self.count_file)}
        done = subprocess.run([self.hadeploy, "--chdir", self.home, *command], env=env,
                              capture_output=True, text=True, timeout=120, check=False)
        assert CANARY not in done.stdout + done.stderr, "the secret was printed"
        return done

    def save(self, name):
        shutil.copytree(self.home, self.kept / name, dirs_exist_ok=True)

    def restore(self, name):
        shutil.rmtree(self.home)
        shutil.copytree(self.kept / name, self.home)

    def world(self):
        return {f.name: f.read_text() for f in (self.home / "world").iterdir()}

    def check(self, phase, at):
        where = f"{phase}, point {at}"
        assert self.world() == self.golden[phase], f"{where}: another world"
        left = {str(f.relative_to(self.home)) for f in self.home.rglob("*") if f.is_file()}
        assert left == self.files[phase], f"{where}: files {left ^ self.files[phase]}"
        with sqlite3.connect(f"file:{self.home}/.hadeploy/state.db?mode=ro", uri=True) as db:
            assert db.execute("SELECT count(*) FROM intents").fetchone()[0] == 0, f"{where}: intents"
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok", where
            rows = db.execute("SELECT count(*), count(DISTINCT identity) FROM resources").fetchone()
        assert rows == self.rows[phase], f"{where}: rows {rows}"
        for f in self.home.rglob("*"):
            if f.is_file() and f.name != "hadeploy.yaml":
                assert CANARY.encode() not in f.read_bytes(), f"{where}: secret in {f}"

    def converge(self, phase, command, at):
        done = self.run(*command)
        assert done.returncode == 0, f"{phase}, point {at}:\n{done.stdout}{done.stderr}"
        if phase != "destroy":
            options = command[2:] if command[0] == "apply" else ()
            again = self.run("plan", "--detailed-exitcode", *options)
            assert again.returncode == 0, f"{phase}, point {at}, next plan:\n{again.stdout}"
        self.check(phase, at)

    def phase(self, phase, begin, *command):
        """From the kept project `begin`; leaves what it makes as the kept project `phase`."""
        self.restore(begin)
        done = self.run(*command, at=0)
        assert done.returncode == 0, done.stdout + done.stderr
        points = int(self.count_file.read_text())
        assert points >= LEAST[phase], f"{phase}: only {points} points, at least {LEAST[phase]}"
        self.totals["points"] += points
        self.golden[phase] = self.world()
        self.files[phase] = {str(f.relative_to(self.home)) for f in self.home.rglob("*") if f.is_file()}
        with sqlite3.connect(f"file:{self.home}/.hadeploy/state.db?mode=ro", uri=True) as db:
            self.rows[phase] = db.execute(
                "SELECT count(*), count(DISTINCT identity) FROM resources").fetchone()
        self.save(phase)
        for number, at in enumerate(range(1, points + 1, self.every)):
            self.restore(begin)
            if self.run(*command, at=at).returncode == -signal.SIGKILL:
                self.totals["kills"] += 1
            if number % 3 == 0:
                second = self.run(*command, at=1 + at * 7 % points)
                self.totals["second kills"] += second.returncode == -signal.SIGKILL
            self.converge(phase, command, at)
        for kind in ("ENOSPC", "EIO"):
            self.restore(begin)
            self.run(*command, at=0, kind=kind)
            for at in range(1, int(self.count_file.read_text()) + 1, self.every):
                self.restore(begin)
                done = self.run(*command, at=at, kind=kind)
                assert done.returncode >= 0, f"{phase}, {kind} at {at}: signal {-done.returncode}"
                self.totals["I/O faults"] += 1
                self.converge(phase, command, f"{at} ({kind})")
        print(f"{phase}: {points} points", flush=True)

    def all(self, only):
        self.files, self.rows = {}, {}
        self.save("begin")
        create = ("apply", "--auto-approve", "--progress", "quiet")
        replace = create[:2] + ("--var", "base=two", "--progress", "quiet")
        phases = {"create": ("begin", *create), "replace": ("create", *replace),
                  "destroy": ("create", "destroy", "--auto-approve", "--progress", "quiet"),
                  "rekey": ("create", "state", "rekey")}
        if only not in (None, "create"):
            self.run(*create)
            self.save("create")
        for phase, (begin, *command) in phases.items():
            if only in (None, phase):
                self.phase(phase, begin, *command)
        print("sweep: " + ", ".join(f"{n} {what}" for what, n in self.totals.items())
              + ": all converged")


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("hadeploy")
    arguments.add_argument("library")
    arguments.add_argument("--every", type=int, default=1, help="only every Nth point")
    arguments.add_argument("--only", choices=LEAST)
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="hadeploy-sweep-") as work:
        Sweep(args, pathlib.Path(work)).all(args.only)


if __name__ == "__main__":
    sys.exit(main())
