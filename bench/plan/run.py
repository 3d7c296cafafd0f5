#!/usr/bin/env python3
"""Compares the times of hadeploy, terraform and tofu for the same resources.

    cmake --preset release && cmake --build --preset release
    bench/plan/run.py [--sizes 1000,10000,100000] [--shapes fanout,chain] [--runs 3] [--only plan,apply]

Uses the peers on the PATH and names missing ones. The tools run in turn; the figures are medians of wall
time, of processor time (which other processes disturb less) and of the peak memory of the process. Cold:
hadeploy's cache is removed first. Warm: the spec is unchanged since the last run. The peers get the state
that their own apply would have left, so that planning can be timed where applying takes too long (above
2,000 resources without transitive dependencies, which makes it faster to read). Every plan has to report
no changes. The peers stop at --peer-sizes, and at the first size that exceeds the limit, which is
reported.

The exponents of growth at the end are fitted over all sizes of a tool: the slope of the logarithm of the
time over the logarithm of the number of resources.

hadeploy's apply syncs the state as resources complete; the peers do not sync at all.
"""
import argparse
import ctypes
import math
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import model

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PEERS = ("terraform", "tofu")
KINDS = ("validate", "apply", "plan")
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class Result(NamedTuple):
    seconds: float
    processor: float
    megabytes: float


def ends_with_us():
    """Called in a child: makes it end together with this script, even after SIGKILL."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def timed(argv, directory, limit, expect=0):
    """Times a command; None if it exceeds the limit. Its child processes end with it."""
    with tempfile.TemporaryFile("w+") as out:
        begin = time.monotonic()
        child = subprocess.Popen([str(a) for a in argv], cwd=directory, stdout=out,
                                 stderr=subprocess.STDOUT, env={**os.environ, "TF_IN_AUTOMATION": "1"},
                                 start_new_session=True, preexec_fn=ends_with_us)
        done = False
        try:
            while time.monotonic() - begin < limit:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                if pid:
                    done = True
                    break
                time.sleep(0.001)
        finally:
            if not done:
                os.killpg(child.pid, signal.SIGKILL)  # a session of its own
                child.wait()
        if not done:
            return None
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != expect:
            out.seek(0)
            sys.exit(f"{' '.join(map(str, argv))}: exit {child.returncode}\n{out.read()[-3000:]}")
    return Result(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


class Ours:
    name = "hadeploy"

    def __init__(self, build):
        self.program = build / "hadeploy"

    def prepare(self, shape, n, directory):
        model.ours(shape, n, directory)

    def fresh(self, directory):
        shutil.rmtree(directory / ".hadeploy", ignore_errors=True)

    def apply(self, directory, limit):
        return timed([self.program, "apply", "--auto-approve", "--progress", "quiet"], directory, limit)

    def settle(self, _shape, _n, directory):
        self.apply(directory, 3600)

    def plan(self, directory, limit, cold=True):
        if cold:
            shutil.rmtree(directory / ".hadeploy" / "cache", ignore_errors=True)
        return timed([self.program, "plan", "--detailed-exitcode", "--progress", "quiet"], directory, limit)

    def validate(self, directory, limit):
        return timed([self.program, "validate"], directory, limit)


class Peer:
    def __init__(self, name):
        self.name = name

    def prepare(self, shape, n, directory):
        model.theirs(shape, n, directory)
        timed([self.name, "init", "-input=false", "-no-color"], directory, 120)

    def fresh(self, directory):
        for file in ("terraform.tfstate", "terraform.tfstate.backup"):
            (directory / file).unlink(missing_ok=True)

    def apply(self, directory, limit):
        return timed([self.name, "apply", "-auto-approve", "-input=false", "-no-color"], directory, limit)

    def settle(self, shape, n, directory):
        model.their_state(shape, n, directory)

    def plan(self, directory, limit):
        return timed([self.name, "plan", "-detailed-exitcode", "-input=false", "-no-color"], directory, limit)


def middle(results):
    """The median; None if a run exceeded the limit."""
    if None in results or not results:
        return None
    return Result(*(statistics.median(r[i] for r in results) for i in range(len(Result._fields))))


def exponent(points):
    """The slope of the regression line through (log n, log seconds)."""
    if len(points) < 2:
        return ""
    xs, ys = [math.log(n) for n, _ in points], [math.log(s) for _, s in points]
    x, y = statistics.mean(xs), statistics.mean(ys)
    return f"{sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x)**2 for a in xs):.2f}"


class Table:
    """One row for each measurement, and the growth of all."""

    def __init__(self, peers, limit):
        self.peers, self.limit, self.growth = peers, limit, {}
        print("| what | shape | resources | hadeploy | " + "".join(f"{p} | ratio | " for p in peers))
        print("|" + "---|" * (4 + 2 * len(peers)), flush=True)

    def add(self, what, shape, n, ours, theirs):
        """`theirs`: results by peer, without those that were not run."""
        cells = "".join(f" {self.shown(theirs[p])} | {self.ratio(ours, theirs[p])} |" if p in theirs
                        else " – | – |" for p in self.peers)
        print(f"| {what} | {shape} | {n} | {self.shown(ours)} |{cells}", flush=True)
        for tool, result in {"hadeploy": ours, **theirs}.items():
            # for a peer, the rows "cold" and "warm" are the same measurement
            if result and not (tool != "hadeploy" and what.endswith("warm")):
                self.growth.setdefault((what, shape, tool), []).append((n, result))

    def shown(self, result):
        if result is None:
            return f"> {self.limit} s"
        return f"{result.seconds:.3g} s (CPU {result.processor:.3g} s), {result.megabytes:.0f} MB"

    def ratio(self, ours, theirs):
        if ours is None:
            return "–"
        return f"{theirs.seconds / ours.seconds:.0f}×" if theirs else f"> {self.limit / ours.seconds:.0f}×"

    def print_growth(self):
        print("\n| growth of | shape | tool | sizes | wall | CPU |\n|---|---|---|---|---|---|")
        for (what, shape, tool), points in self.growth.items():
            if len(points) < 2:
                continue
            sizes = f"{points[0][0]} to {points[-1][0]}"
            wall, processor = (exponent([(n, r[i]) for n, r in points]) for i in (0, 1))
            print(f"| {what} | {shape} | {tool} | {sizes} | {wall} | {processor} |")


class Bench:
    def __init__(self, args, ours, peers):
        self.args, self.ours, self.peers = args, ours, peers
        self.table = Table([p.name for p in peers], args.limit)
        self.too_slow = set()  # (what, shape, peer)

    def in_turn(self, what, shape, tools, run):
        """The median of each tool's runs, by name."""
        results = {tool.name: [] for tool in tools}
        for _ in range(self.args.runs):
            for tool in tools:
                if None in results[tool.name]:
                    continue  # already exceeded the limit
                results[tool.name].append(run(tool))
                if results[tool.name][-1] is None:
                    self.too_slow.add((what, shape, tool.name))
        return {name: middle(all_of_it) for name, all_of_it in results.items()}

    def measure(self, shape, n, work):
        asked = [p for p in self.peers if n <= self.args.peer_sizes]
        home = {t.name: work / f"{shape}-{n}-{t.name}" for t in [self.ours, *asked]}
        for tool in [self.ours, *asked]:
            tool.prepare(shape, n, home[tool.name])
        for what in self.args.only:
            peers = [p for p in asked if (what, shape, p.name) not in self.too_slow]
            getattr(self, what)(shape, n, home, peers)
        for directory in home.values():
            shutil.rmtree(directory)

    def validate(self, shape, n, home, _peers):
        mine = self.in_turn("validate", shape, [self.ours],
                            lambda t: t.validate(home[t.name], self.args.limit))
        self.table.add("validate", shape, n, mine.pop("hadeploy"), {})

    def apply(self, shape, n, home, peers):
        def run(tool):
            tool.fresh(home[tool.name])
            return tool.apply(home[tool.name], self.args.limit)
        results = self.in_turn("apply", shape, [self.ours, *peers], run)
        self.table.add("apply from nothing", shape, n, results.pop("hadeploy"), results)

    def plan(self, shape, n, home, peers):
        for tool in [self.ours, *peers]:
            tool.fresh(home[tool.name])
            tool.settle(shape, n, home[tool.name])
        warm = []

        def run(tool):
            result = tool.plan(home[tool.name], self.args.limit)
            if tool is self.ours:
                warm.append(tool.plan(home[tool.name], self.args.limit, cold=False))
            return result
        results = self.in_turn("plan", shape, [self.ours, *peers], run)
        cold = results.pop("hadeploy")
        self.table.add("plan, nothing to change, cold", shape, n, cold, results)
        self.table.add("plan, nothing to change, warm", shape, n, middle(warm), results)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--sizes", default="1000,10000,100000")
    arguments.add_argument("--peer-sizes", type=int, default=10000, help="largest size for the peers")
    arguments.add_argument("--shapes", default=",".join(model.SHAPES))
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--limit", type=int, default=300, help="limit of each run in seconds")
    arguments.add_argument("--only", default=",".join(KINDS), help="some of " + ",".join(KINDS))
    arguments.add_argument("--alone", action="store_true", help="without the peers")
    arguments.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "release")
    args = arguments.parse_args()
    args.only, shapes = args.only.split(","), args.shapes.split(",")
    if wrong := [k for k in args.only if k not in KINDS] + [s for s in shapes if s not in model.SHAPES]:
        arguments.error(f"there is no {wrong[0]}; there are: {', '.join([*KINDS, *model.SHAPES])}")
    # a signal must not skip the cleanup
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    for p in PEERS:
        if not args.alone and not shutil.which(p):
            print(f"{p} is not on the PATH: left out", flush=True)
    peers = [] if args.alone else [Peer(p) for p in PEERS if shutil.which(p)]
    bench = Bench(args, Ours(args.build.resolve()), peers)
    with tempfile.TemporaryDirectory(prefix="hadeploy-bench-") as work:
        for shape in shapes:
            for n in map(int, args.sizes.split(",")):
                bench.measure(shape, n, pathlib.Path(work))
    bench.table.print_growth()


if __name__ == "__main__":
    main()
