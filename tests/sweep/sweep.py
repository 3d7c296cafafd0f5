#!/usr/bin/env python3
"""Kills a real hadeploy at every point that makes something durable, and lets the next run continue.

    tests/sweep/sweep.py HADEPLOY FAULT_LIBRARY [--every N] [--only PHASE]

A project of 46 resources, in the layers of the HA demo, is created, partly replaced and destroyed; its
state gets another key; and it is destroyed while it is being created. Its objects are files that
separate processes write, so they outlive the kill. For each point (see fault.cpp) the phase runs and is
killed there; at every third point the recovery is killed as well. One more run then has to reach the
same result: each object once, no unfinished intent, no temporary file, an intact state, an empty next
plan, and no secret in any file or output. The same follows with ENOSPC and EIO from each write and sync
of the state.

The points are distributed among --jobs workers, each with its own project, in memory if available: only
the process is killed, so the behaviour of the disk does not matter.
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
# Minimum number of points in each phase: fewer mean that the sweep misses some.
LEAST = {"create": 800, "replace": 420, "destroy": 800, "rekey": 180, "give up": 800}
MOST_SECONDS = 600  # for one run: none may hang
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def resource(name, value, more=(), read=True):
    lines = [f"  {name}:", "    type: local.exec", f'    create: ./object create {name} "{value}"']
    if read:
        lines.append(f"    read: ./object read {name}")
    lines += [f"    delete: ./object delete {name}", "    returns: {id: string, value: string}"]
    return lines + [f"    {line}" for line in more]


def spec():
    """Keys and a note; network, pool, base, three machines; ten resources on each; swarm, volume, five
    services: as many as in examples/ha-demo."""
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


class Sweep:
    """One worker's share: every `jobs`th of the chosen points, from the `share`th."""

    def __init__(self, args, share, work):
        self.hadeploy, self.every = args.hadeploy, args.every
        self.share, self.jobs = share, args.jobs
        self.home = work / "project"
        self.kept = work / "kept"
        self.count_file = work / "count"
        self.golden, self.files, self.rows = {}, {}, {}
        self.done = collections.Counter()
        (self.home / "world").mkdir(parents=True)
        self.prepare(args)
        (self.home / "made").touch()
        (self.home / "hadeploy.yaml").write_text(spec())

    def prepare(self, args):
        self.library = args.library
        shutil.copy(pathlib.Path(args.library).with_name("sweep_object"), self.home / "object")

    def close(self):
        pass

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
        """The files without the lock on scripts, which only a run that starts a script creates."""
        return {str(f.relative_to(self.home)) for f in self.paths()
                if f.name not in ("scripts.lock", "scripts.owners")}

    def world(self):
        return {f.name: f.read_text() for f in (self.home / "world").iterdir()}

    def counted(self):
        """The numbers of intents, and of resources and their identities; checks the state's integrity."""
        with sqlite3.connect(f"file:{self.home}/.hadeploy/state.db?mode=ro", uri=True) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "the state is damaged"
            intents = db.execute("SELECT count(*) FROM intents").fetchone()[0]
            return intents, db.execute(
                "SELECT count(*), count(DISTINCT identity) FROM resources").fetchone()

    def has_state(self):
        return (self.home / ".hadeploy" / "state.db").exists()

    def wait_for_orphans(self):
        """The processes that a killed hadeploy has started continue as our children. The next run has to
        handle them; but they must have ended before a comparison or a restore."""
        try:
            while True:
                os.waitpid(-1, 0)
        except ChildProcessError:
            pass

    def check(self, phase):
        self.wait_for_orphans()
        world = self.world()
        assert world == self.golden[phase], f"different objects: {world.items() ^ self.golden[phase].items()}"
        for f in self.paths():
            if f.name not in ("hadeploy.yaml", "object"):
                assert CANARY.encode() not in f.read_bytes(), f"secret in {f}"
        if phase == "give up" and not self.has_state():
            return  # killed before there was a state
        names = self.names()
        assert names == self.files[phase], f"other files: {names ^ self.files[phase]}"
        assert self.counted() == (0, self.rows[phase]), f"intents, rows: {self.counted()}"

    def converge(self, phase, command):
        done = self.run(*command)
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
        self.check_next_plan(command)
        self.check(phase)

    def check_next_plan(self, command):
        if command[0] != "destroy":
            options = command[2:] if command[0] == "apply" else ()
            again = self.run("plan", "--detailed-exitcode", *options)
            assert again.returncode == 0, f"the next plan:\n{again.stdout}{again.stderr}"

    def mine(self, points, first=1):
        """This worker's points, each with its index among all selected points."""
        chosen = list(enumerate(range(first, points + 1, self.every)))
        return chosen[self.share::self.jobs]

    def count(self, begin, command, kind):
        """The number of points, from a run without a fault."""
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
        """Starts from the saved project `begin`, runs `command` with a fault and then `after`; saves the
        result as the project `phase`. Returns the number of points."""
        faults = {kind: self.count(begin, command, kind) for kind in ("ENOSPC", "EIO")}
        points = self.count(begin, command, "kill")
        assert points >= LEAST[phase], f"{phase}: only {points} points, at least {LEAST[phase]}"
        self.settle(phase, after)
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

    def settle(self, phase, after):
        """Saves the result that is wanted after each fault."""
        self.run(*after)
        self.golden[phase], self.files[phase] = self.world(), self.names()
        self.rows[phase] = self.counted()[1]
        self.save(phase)

    def all(self, only):
        """The number of points in each phase, and the number of faults of each kind."""
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


def share_of(kind, args, share):
    libc = ctypes.CDLL(None, use_errno=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # removes the temporary directory
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)  # when the test is killed
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="hadeploy-sweep-", dir=memory) as work:
        sweep = kind(args, share, pathlib.Path(work))
        try:
            return sweep.all(args.only)
        finally:
            sweep.close()


def arguments_of(description):
    arguments = argparse.ArgumentParser(description=description,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("hadeploy")
    arguments.add_argument("library", help="libfault.so, next to sweep_object")
    arguments.add_argument("--every", type=int, default=1, help="only every Nth point")
    arguments.add_argument("--jobs", type=int, default=min(8, os.cpu_count()),
                           help="number of concurrent workers")
    arguments.add_argument("--only", choices=LEAST)
    args = arguments.parse_args()
    args.hadeploy, args.library = os.path.abspath(args.hadeploy), os.path.abspath(args.library)
    return args


def run_shares(kind, args):
    began = time.monotonic()
    points, done = {}, collections.Counter()
    # processes, so that each worker gets its own orphans, see Sweep.wait_for_orphans()
    with concurrent.futures.ProcessPoolExecutor(
            args.jobs, mp_context=multiprocessing.get_context("fork")) as pool:
        shares = [pool.submit(share_of, kind, args, share) for share in range(args.jobs)]
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
    run_shares(Sweep, arguments_of(__doc__))
