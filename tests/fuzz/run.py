#!/usr/bin/env python3
"""Builds the fuzzers (preset `fuzz`), runs them, and prints a line for each and a summary.

usage: tests/fuzz/run.py [--seconds N] [--short] [--jobs N] [--keep] [TARGET...]

A run starts with the inputs in corpus/ and those of earlier runs in build/fuzz/corpus. A finding is an
input that ends the program, exceeds its memory limit or 20 seconds, or leaks memory; it is saved in
build/fuzz/findings, and the exit status is 1. `--short` starts only with corpus/ and runs a fixed number
of further inputs from a fixed seed. To reproduce a finding:

    build/fuzz/tests/fuzz/fuzz_TARGET FILE

Once it is fixed, move the file to corpus/TARGET, which every test run replays.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
BUILD = SOURCE / "build" / "fuzz"
TARGETS = ["spec", "expression", "plan_file", "state", "ssh_answer", "ssh_files", "shell_quote"]
# executions of a short run, which take a few seconds
SHORT = {"spec": 400, "expression": 600, "plan_file": 2000, "state": 1000, "ssh_answer": 5000,
         "ssh_files": 5000, "shell_quote": 500}
MOST_BYTES = {"state": 16384}  # limit of an input; the size of a small database
MOST_SECONDS = 20  # for one input, under the slow sanitizers
MOST_MIB = 3072
STACK_BYTES = 64 << 20  # for the sanitizers' frames, corresponds to 8 MiB without them


def program(target):
    return BUILD / "tests" / "fuzz" / f"fuzz_{target}"


def build():
    if shutil.which("clang++") is None:
        sys.exit("clang++ is missing: scripts/install-deps --test")
    for step in (["cmake", "--preset", "fuzz"], ["cmake", "--build", "--preset", "fuzz"]):
        done = subprocess.run(step, cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(step)} failed:\n{done.stdout[-4000:]}")


def more_stack():
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    most = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (most, hard))


def environment():
    return {
        **os.environ,
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }


def fuzz(target, seconds):
    """Runs one fuzzer, a short run without `seconds`; returns its statistics and output."""
    corpus, findings = BUILD / "corpus" / target, BUILD / "findings"
    limits = [f"-max_total_time={seconds}"]
    if seconds is None:
        corpus = BUILD / "short" / target  # empty, so that each run does the same
        shutil.rmtree(corpus, ignore_errors=True)
        limits = ["-seed=1", f"-runs={SHORT[target]}"]
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    command = [
        program(target), *limits, "-print_final_stats=1",
        f"-max_len={MOST_BYTES.get(target, 4096)}", f"-timeout={MOST_SECONDS}",
        f"-rss_limit_mb={MOST_MIB}", f"-artifact_prefix={findings}/{target}-", "-verbosity=1",
        corpus, HERE / "corpus" / target,
    ]
    dictionary = HERE / "dictionaries" / f"{target}.txt"
    if dictionary.exists():
        command.insert(1, f"-dict={dictionary}")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", env=environment(), cwd=BUILD, preexec_fn=more_stack)
    number = lambda pattern: int((re.findall(pattern, done.stdout) or ["0"])[-1])
    return {
        "target": target,
        "executions": number(r"number_of_executed_units: (\d+)"),
        "coverage": number(r"\bcov: (\d+)"),
        "inputs": number(r"\bcorp: (\d+)/"),
        "failed": done.returncode != 0,
        "said": done.stdout,
    }


def keep(target, most_inputs=400):
    """Adds to corpus/ the found inputs that reach new code."""
    kept = HERE / "corpus" / target
    before = set(kept.iterdir())
    subprocess.run([program(target), "-set_cover_merge=1", "-max_len=4096", kept,
                    BUILD / "corpus" / target],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(),
                   check=True)
    fresh = sorted(set(kept.iterdir()) - before, key=lambda f: f.stat().st_size)
    for file in fresh[most_inputs:]:
        file.unlink()
    print(f"{target}: {min(len(fresh), most_inputs)} inputs more are kept")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--short", action="store_true", help="a fixed number of inputs, in seconds")
    parser.add_argument("--jobs", type=int, default=2, help="number of concurrent targets (2)")
    parser.add_argument("--keep", action="store_true",
                        help="run nothing; add inputs of earlier runs to corpus/")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target: {', '.join(sorted(unknown))}")
    targets = options.targets or TARGETS
    build()
    if options.keep:
        for target in targets:
            keep(target)
        return 0
    seconds = None if options.short else options.seconds
    failed = executions = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(lambda t: fuzz(t, seconds), targets):
            executions += result["executions"]
            failed += result["failed"]
            print(f"{result['target']:12} {result['executions']:>12,} executions "
                  f"{result['coverage']:>7,} edges {result['inputs']:>6,} inputs  "
                  f"{'A FINDING' if result['failed'] else 'no finding'}", flush=True)
            if result["failed"]:
                print(result["said"][-6000:])
    how = "in short" if seconds is None else f"{seconds} s each"
    print(f"{len(targets)} targets, {how}: {executions:,} executions, "
          f"{failed or 'no'} finding{'' if failed == 1 else 's'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
