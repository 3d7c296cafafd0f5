#!/usr/bin/env python3
"""Measures the cost of the journal: the same apply with and without syncs.

    cmake --preset release && cmake --build build/release --target bench_journal nosync
    bench/journal/run.py [--directory DIR] [--runs 5]

1,000 resources at parallelism 10, which take 20 ms each, or no time. The two runs of a pair follow each
other, in alternating order; ratios and differences are computed for each pair and reported as median,
minimum and maximum. `nosync` replaces fsync and fdatasync (bench/journal/nosync.c). DIR has to be on the
disk to be measured: /tmp may be in memory.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def seconds(args, milliseconds, synced):
    """Runs one apply in a new directory; returns its seconds and the number of skipped syncs."""
    with tempfile.TemporaryDirectory(prefix="hadeploy-journal-", dir=args.directory) as directory:
        environment = dict(os.environ) | ({} if synced else {"LD_PRELOAD": str(args.nosync)})
        done = subprocess.run([args.program, directory, str(args.resources), str(milliseconds),
                               str(args.parallelism)], env=environment, text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{args.program}: exit {done.returncode}\n{done.stderr}")
        spared = re.search(r"nosync: (\d+)", done.stderr)
        if synced == bool(spared) or (spared and int(spared[1]) == 0):
            sys.exit("the library that spares syncs was not where it should be")
        return float(done.stdout), int(spared[1]) if spared else 0


def told(values, form):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))} to {form.format(max(values))})"


def measure(args, milliseconds):
    pairs, syncs = [], 0
    seconds(args, milliseconds, True)  # warm
    for number in range(args.runs):
        order = (True, False) if number % 2 == 0 else (False, True)
        pair = {}
        for synced in order:
            pair[synced], spared = seconds(args, milliseconds, synced)
            syncs = max(syncs, spared)
        pairs.append(pair)
    each = [(p[True] - p[False]) * 1e6 / args.resources for p in pairs]
    print(f"{args.resources} resources of {milliseconds} ms, parallelism {args.parallelism}, {syncs} syncs")
    print(f"  synced          {told([p[True] for p in pairs], '{:.3f} s')}")
    print(f"  not synced      {told([p[False] for p in pairs], '{:.3f} s')}")
    print(f"  ratio           {told([p[True] / p[False] for p in pairs], '{:.3f}')}")
    print(f"  a resource      {told(each, '{:.0f} us')} for syncs, "
          f"{told([p[False] * 1e6 / args.resources for p in pairs], '{:.0f} us')} for all else", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=pathlib.Path,
                           default=SOURCE / "build/release/bench/journal/bench_journal")
    arguments.add_argument("--nosync", type=pathlib.Path,
                           default=SOURCE / "build/release/bench/journal/libnosync.so")
    arguments.add_argument("--directory", help="directory for the states")
    arguments.add_argument("--resources", type=int, default=1000)
    arguments.add_argument("--parallelism", type=int, default=10)
    arguments.add_argument("--runs", type=int, default=5)
    args = arguments.parse_args()
    for file in (args.program, args.nosync):
        if not file.exists():
            sys.exit(f"{file} is not there: see --help")
    for milliseconds in (20, 0):
        measure(args, milliseconds)


if __name__ == "__main__":
    main()
