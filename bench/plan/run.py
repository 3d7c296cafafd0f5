#!/usr/bin/env python3
"""Times hadeploy beside terraform and tofu on the same resources, and prints ratios.

    cmake --preset release && cmake --build --preset release
    bench/plan/run.py [--sizes 1000,10000] [--shapes fanout,chain] [--runs 3] [--only plan|apply]

Whichever of the peers is on the PATH takes part; a missing one is named. The tools run in turn, run
by run; figures are medians of wall time, and the peak memory of the process. Cold means that our
cache is removed first, warm that the spec is as it was in the last run. Peers are given the state
that their own apply would have left, so that planning can be timed where applying takes too long;
every plan has to say that there is nothing to change. A run beyond the limit is reported as that.

Our apply syncs the state as resources complete; the peers' do not sync at all.
"""
import argparse
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import model

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def timed(argv, directory, limit, expect=0):
    """Seconds and peak MB; None when it takes longer than the limit."""
    with tempfile.TemporaryFile("w+") as out:
        begin = time.monotonic()
        child = subprocess.Popen([str(a) for a in argv], cwd=directory, stdout=out,
                                 stderr=subprocess.STDOUT, env={**os.environ, "TF_IN_AUTOMATION": "1"})
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begin > limit:
                child.kill()
                child.wait()
                return None
            time.sleep(0.001)
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != expect:
            out.seek(0)
            sys.exit(f"{' '.join(map(str, argv))}: exit {child.returncode}\n{out.read()[-3000:]}")
    return seconds, usage.ru_maxrss / 1024


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

    def settle(self, shape, n, directory):
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


def shown(result, limit):
    return f"> {limit} s" if result is None else f"{result[0]:.3g} s, {result[1]:.0f} MB"


def middle(results):
    good = [r for r in results if r is not None]
    if len(good) < len(results):
        return None
    return statistics.median(r[0] for r in good), statistics.median(r[1] for r in good)


def ratio(ours, theirs, limit):
    if ours is None:
        return "–"
    return f"{theirs[0] / ours[0]:.0f}×" if theirs else f"> {limit / ours[0]:.0f}×"


def exponent(points):
    """Slope of the line through (log n, log seconds)."""
    if len(points) < 2:
        return ""
    xs, ys = [math.log(n) for n, _ in points], [math.log(s) for _, s in points]
    x, y = statistics.mean(xs), statistics.mean(ys)
    return f"{sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x)**2 for a in xs):.2f}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--sizes", default="1000,10000")
    arguments.add_argument("--shapes", default=",".join(model.SHAPES))
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--limit", type=int, default=300, help="seconds")
    arguments.add_argument("--only", choices=("plan", "apply", "validate"))
    arguments.add_argument("--alone", action="store_true", help="without the peers")
    arguments.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "release")
    args = arguments.parse_args()
    peers = [] if args.alone else [Peer(p) for p in ("terraform", "tofu") if shutil.which(p)]
    for p in ("terraform", "tofu"):
        if not shutil.which(p):
            print(f"{p} is not on the PATH: left out", flush=True)
    ours = Ours(args.build.resolve())
    growth = {}
    names = [p.name for p in peers]
    print("| what | shape | resources | hadeploy | " + " | ".join(f"{n} | ratio" for n in names) + " |")
    print("|" + "---|" * (4 + 2 * len(names)), flush=True)

    def row(what, shape, n, mine, others):
        cells = "".join(f" {shown(o, args.limit)} | {ratio(mine, o, args.limit)} |" for o in others)
        print(f"| {what} | {shape} | {n} | {shown(mine, args.limit)} |{cells}", flush=True)
        if mine:
            growth.setdefault((what, shape), []).append((n, mine[0]))

    with tempfile.TemporaryDirectory(prefix="hadeploy-bench-") as work:
        for shape in args.shapes.split(","):
            too_slow = set()
            for n in map(int, args.sizes.split(",")):
                homes = {t.name: pathlib.Path(work) / f"{shape}-{n}-{t.name}" for t in [ours, *peers]}
                for tool in [ours, *peers]:
                    tool.prepare(shape, n, homes[tool.name])
                if args.only in (None, "validate"):
                    row("validate", shape, n, middle([ours.validate(homes["hadeploy"], args.limit)
                                                      for _ in range(args.runs)]), [None] * 0)
                if args.only in (None, "apply"):
                    results = {t.name: [] for t in [ours, *peers]}
                    for _ in range(args.runs):
                        for tool in [ours, *peers]:
                            if tool.name in too_slow:
                                results[tool.name].append(None)
                                continue
                            tool.fresh(homes[tool.name])
                            results[tool.name].append(tool.apply(homes[tool.name], args.limit))
                            if results[tool.name][-1] is None:
                                too_slow.add(tool.name)
                    row("apply", shape, n, middle(results["hadeploy"]), [middle(results[p]) for p in names])
                if args.only in (None, "plan"):
                    for tool in [ours, *peers]:
                        tool.fresh(homes[tool.name])
                        tool.settle(shape, n, homes[tool.name])
                    results = {t.name: [] for t in [ours, *peers]}
                    warm = []
                    for _ in range(args.runs):
                        results["hadeploy"].append(ours.plan(homes["hadeploy"], args.limit))
                        warm.append(ours.plan(homes["hadeploy"], args.limit, cold=False))
                        for peer in peers:
                            results[peer.name].append(peer.plan(homes[peer.name], args.limit))
                    others = [middle(results[p]) for p in names]
                    row("plan, nothing to change, cold", shape, n, middle(results["hadeploy"]), others)
                    row("plan, nothing to change, warm", shape, n, middle(warm), others)
                for home in homes.values():
                    shutil.rmtree(home)
    print("\n| hadeploy's growth | shape | exponent |\n|---|---|---|")
    for (what, shape), points in growth.items():
        print(f"| {what} | {shape} | {exponent(points)} |")


if __name__ == "__main__":
    main()
