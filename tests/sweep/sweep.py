#!/usr/bin/env python3
"""Ends a real hadeploy at every point at which something becomes lasting, and lets the next run go on.

    tests/sweep/sweep.py HADEPLOY FAULT_LIBRARY [--every N] [--only PHASE]

A project of 46 resources, in the layers of the HA demo, is made, partly replaced and destroyed, and
its state gets another key; and it is given up while it is being made. Its objects are files that
processes of their own make, so they outlive the kill. For each point (see fault.cpp) the phase is run
and killed there, at every third one the recovery is killed as well, and then one more run has to bring
about the very same world: each object once, no unfinished intent, no temporary file, an intact state,
an empty next plan, and no secret in anything that was written or printed. After that the same with
ENOSPC and EIO from each of the state's writes and syncs.

The points are shared out among --jobs workers, each with a project of its own, in memory where there
is some: what is killed is the process, so what the disk would do plays no part.
"""
import argparse
import collections
import concurrent.futures
import ctypes
import multiprocessing
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

CANARY = "canary-5up3r-s3cr3t"
# Points that the phases have at least: fewer means that the sweep has become blind somewhere.
LEAST = {"create": 800, "replace": 420, "destroy": 800, "rekey": 180, "give up": 800}
MOST_SECONDS = 600  # of one run: none may hang
PR_SET_CHILD_SUBREAPER = 36


def resource(name, value, more=(), read=True):
    lines = [f"  {name}:", "    type: local.exec", f'    create: ./object create {name} "{value}"']
    if read:
        lines.append(f"    read: ./object read {name}")
    lines += [f"    delete: ./object delete {name}", "    returns: {id: string, value: string}"]
    return lines + [f"    {line}" for line in more]


def spec():
    """Keys and a note; network, pool, base, three machines; ten things on each; swarm, volume, five
    services: as many as examples/ha-demo has."""
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
        for i in range(10):
            below = f"node{n}" if i % 3 == 0 else f"part{n}{i - 1}"
            out += resource(f"part{n}{i}", f"${{{below}.outputs.id}} {i}", read=i % 2 == 0)
    nodes = " ".join(f"${{part{n}8.outputs.id}}" for n in (1, 2, 3))
    out += resource("swarm", nodes) + resource("volume", nodes, read=False)
    for s in ("web", "database", "logger", "visualizer", "docker_reader"):
        out += resource(s, "${swarm.outputs.id} ${volume.outputs.id}")
    return "\n".join(out) + "\n"


def wait_for_orphans():
    """What a killed hadeploy has started runs on, and is ours then. The next run comes upon it; but
    before anything is compared, or laid out anew, it has to have ended."""
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


class Sweep:
    """One worker's share: every `jobs`th of the chosen points, from the `share`th."""

    def __init__(self, args, share, work):
        self.hadeploy, self.library, self.every = args.hadeploy, args.library, args.every
        self.share, self.jobs = share, args.jobs
        self.home = work / "project"
        self.kept = work / "kept"
        self.count_file = work / "count"
        self.golden, self.files, self.rows = {}, {}, {}
        self.done = collections.Counter()
        (self.home / "world").mkdir(parents=True)
        shutil.copy(pathlib.Path(args.library).with_name("sweep_object"), self.home / "object")
        (self.home / "hadeploy.yaml").write_text(spec())

    def run(self, *command, at=None, kind="kill"):
        env = dict(os.environ)
        if at is not None:
            env |= {"LD_PRELOAD": self.library, "HADEPLOY_FAULT_AT": str(at), "HADEPLOY_FAULT": kind,
                    "HADEPLOY_FAULT_COUNT": str(self.count_file)}
        done = subprocess.run([self.hadeploy, "--chdir", self.home, *command], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=MOST_SECONDS, check=False)
        assert CANARY not in done.stdout + done.stderr, "the secret was printed"
        return done

    def save(self, name):
        shutil.copytree(self.home, self.kept / name, dirs_exist_ok=True)

    def restore(self, name):
        shutil.rmtree(self.home)
        shutil.copytree(self.kept / name, self.home)

    def paths(self):
        return [f for f in self.home.rglob("*") if f.is_file()]

    def names(self):
        """The files, but for those of the lock on scripts: only a run that gets so far makes them."""
        return {str(f.relative_to(self.home)) for f in self.paths()
                if f.name not in ("scripts.lock", "scripts.owners")}

    def world(self):
        return {f.name: f.read_text() for f in (self.home / "world").iterdir()}

    def counted(self):
        """The state's intents, and its rows and the identities among them; it is intact."""
        with sqlite3.connect(f"file:{self.home}/.hadeploy/state.db?mode=ro", uri=True) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "the state is damaged"
            intents = db.execute("SELECT count(*) FROM intents").fetchone()[0]
            return intents, db.execute(
                "SELECT count(*), count(DISTINCT identity) FROM resources").fetchone()

    def check(self, phase):
        wait_for_orphans()
        world = self.world()
        assert world == self.golden[phase], f"another world: {world.items() ^ self.golden[phase].items()}"
        for f in self.paths():
            if f.name not in ("hadeploy.yaml", "object"):
                assert CANARY.encode() not in f.read_bytes(), f"secret in {f}"
        if phase == "give up" and not (self.home / ".hadeploy" / "state.db").exists():
            return  # it was killed before there was anything to give up
        names = self.names()
        assert names == self.files[phase], f"other files: {names ^ self.files[phase]}"
        assert self.counted() == (0, self.rows[phase]), f"intents, rows: {self.counted()}"

    def converge(self, phase, command):
        done = self.run(*command)
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
        if command[0] != "destroy":
            options = command[2:] if command[0] == "apply" else ()
            again = self.run("plan", "--detailed-exitcode", *options)
            assert again.returncode == 0, f"the next plan:\n{again.stdout}{again.stderr}"
        self.check(phase)

    def mine(self, points):
        """This worker's points, each with its place among all that are chosen."""
        chosen = list(enumerate(range(1, points + 1, self.every)))
        return chosen[self.share::self.jobs]

    def count(self, begin, command, kind):
        """How many points there are: by a run in which nothing happens to it."""
        self.restore(begin)
        done = self.run(*command, at=0, kind=kind)
        assert done.returncode == 0, done.stdout + done.stderr
        return int(self.count_file.read_text())

    def kill_at(self, at, number, points, command, after):
        self.done["kills"] += self.run(*command, at=at).returncode == -signal.SIGKILL
        if number % 3 == 0:
            second = self.run(*after, at=1 + at * 7 % points)
            self.done["second kills"] += second.returncode == -signal.SIGKILL

    def fail_at(self, at, kind, command):
        code = self.run(*command, at=at, kind=kind).returncode
        assert code >= 0, f"signal {-code}"
        self.done["I/O faults"] += 1

    def phase(self, phase, begin, command, after):
        """From the kept project `begin`, by `command`, which something happens to, and `after`; leaves
        what they make as the kept project `phase`. Returns the number of points."""
        faults = {kind: self.count(begin, command, kind) for kind in ("ENOSPC", "EIO")}
        points = self.count(begin, command, "kill")
        assert points >= LEAST[phase], f"{phase}: only {points} points, at least {LEAST[phase]}"
        self.run(*after)
        self.golden[phase], self.files[phase] = self.world(), self.names()
        self.rows[phase] = self.counted()[1]
        self.save(phase)
        for kind, last in {"kill": points, **faults}.items():
            for number, at in self.mine(last):
                try:
                    self.restore(begin)
                    if kind == "kill":
                        self.kill_at(at, number, points, command, after)
                    else:
                        self.fail_at(at, kind, command)
                    self.converge(phase, after)
                except AssertionError as error:
                    raise AssertionError(f"{phase}, {kind} at point {at}: {error}") from None
        return points

    def all(self, only):
        """Points by phase, and what was done."""
        self.save("begin")
        create = ("apply", "--auto-approve", "--progress", "quiet")
        replace = create[:2] + ("--var", "base=two", "--progress", "quiet")
        destroy, rekey = ("destroy", *create[1:]), ("state", "rekey")
        phases = {"create": ("begin", create, create), "replace": ("create", replace, replace),
                  "destroy": ("create", destroy, destroy), "rekey": ("create", rekey, rekey),
                  "give up": ("begin", create, destroy)}
        if only not in (None, "create"):
            self.run(*create)
            self.save("create")
        points = {}
        for phase, commands in phases.items():
            if only in (None, phase):
                points[phase] = self.phase(phase, *commands)
                if self.share == 0:
                    print(f"{phase}: {points[phase]} points", flush=True)
        return points, self.done


def share_of(args, share):
    libc = ctypes.CDLL(None, use_errno=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left behind
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="hadeploy-sweep-", dir=memory) as work:
        return Sweep(args, share, pathlib.Path(work)).all(args.only)


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("hadeploy")
    arguments.add_argument("library")
    arguments.add_argument("--every", type=int, default=1, help="only every Nth point")
    arguments.add_argument("--jobs", type=int, default=min(8, os.cpu_count()),
                           help="workers side by side")
    arguments.add_argument("--only", choices=LEAST)
    args = arguments.parse_args()
    args.hadeploy, args.library = os.path.abspath(args.hadeploy), os.path.abspath(args.library)
    began = time.monotonic()
    points, done = {}, collections.Counter()
    # a process each: orphans go to their worker, see wait_for_orphans()
    with concurrent.futures.ProcessPoolExecutor(
            args.jobs, mp_context=multiprocessing.get_context("fork")) as pool:
        shares = [pool.submit(share_of, args, share) for share in range(args.jobs)]
        for share in concurrent.futures.as_completed(shares):
            try:
                its_points, its_done = share.result()
            except BaseException as error:
                for worker in multiprocessing.active_children():
                    worker.terminate()
                sys.exit(f"sweep: {error}")
            done += its_done
            points = {phase: min(n, points.get(phase, n)) for phase, n in its_points.items()}
    print(f"sweep: {sum(points.values())} points, " + ", ".join(f"{n} {what}" for what, n in done.items())
          + f": all converged, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
