#!/usr/bin/env python3
"""Measures a state in PostgreSQL beside one in a file, and beside Terraform's and OpenTofu's backend `pg`.

    cmake --preset release && cmake --build --preset release
    bench/postgres/run.py [--round-trips 0,2,20] [--runs 3] [--resources 1000] [--planned 10000] [--alone]

A private server (tests/state/postgres_server.py) with fsync on. A proxy delays all data by half of the round
trip in each direction, however much is on its way; all tools use the same one. The resources are those of
bench/plan without references (`local.value`, `terraform_data`), which do nothing outside of the state.
`terraform init`, which creates the schema, is not timed; in the rows "into a new schema", hadeploy creates it in
the timed run, and in the rows "into an empty state", a run without resources has created it. Figures are medians of wall time; the tools run in turn.

The number of round trips is that of one run of hadeploy through a proxy that counts: startup messages,
pipelines and simple queries.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "bench" / "plan"), str(SOURCE / "tests" / "state")]
import model  # noqa: E402
import run as plan_bench  # noqa: E402
from postgres_proxy import Proxy  # noqa: E402
from postgres_server import Missing, Server, free_port  # noqa: E402

KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="
ENOUGH = 20  # times faster than Terraform at 2 ms
MOST_ROUND_TRIPS = 10  # of a plan, however many resources there are


class Ours:
    def __init__(self, program, server, n, directory, port=None):
        """`port`: of the server or a proxy; None for a state in a file."""
        self.program, self.server, self.directory = program, server, directory
        self.url = port and f"postgresql://hadeploy@127.0.0.1:{port}/postgres?schema=bench"
        model.ours("flat", n, directory)

    def timed(self, limit, *words):
        state = ["--state", self.url] if self.url else []
        return plan_bench.timed([self.program, *state, *words, "--progress", "quiet"], self.directory, limit)

    def fresh(self):
        shutil.rmtree(self.directory / ".hadeploy", ignore_errors=True)
        self.server.sql("SET client_min_messages = error; DROP SCHEMA IF EXISTS bench CASCADE")

    def apply(self, limit):
        """Creates the schema, too."""
        self.fresh()
        return self.timed(limit, "apply", "--auto-approve")

    def empty(self):
        """Makes a state without records."""
        self.fresh()
        spec = self.directory / "hadeploy.yaml"
        whole = spec.read_text()
        spec.write_text("name: bench\nresources: {}\n")
        self.timed(300, "apply", "--auto-approve")
        spec.write_text(whole)

    def apply_rest(self, limit):
        return self.timed(limit, "apply", "--auto-approve")

    def apply_empty(self, limit):
        self.empty()
        return self.apply_rest(limit)

    def plan(self, limit):
        shutil.rmtree(self.directory / ".hadeploy" / "cache", ignore_errors=True)
        return self.timed(limit, "plan", "--detailed-exitcode")


class Peer:
    def __init__(self, name, server, n, directory, port):
        self.name, self.server, self.directory = name, server, directory
        model.theirs("flat", n, directory)
        url = f"postgres://hadeploy@127.0.0.1:{port}/postgres?sslmode=disable"
        (directory / "backend.tf").write_text(
            f'terraform {{\n  backend "pg" {{\n    conn_str = "{url}"\n    schema_name = "{name}"\n  }}\n}}\n')

    def apply(self, limit):
        self.server.sql(f"SET client_min_messages = error; DROP SCHEMA IF EXISTS {self.name} CASCADE")
        plan_bench.timed([self.name, "init", "-reconfigure", "-input=false", "-no-color"], self.directory, 300)
        return plan_bench.timed([self.name, "apply", "-auto-approve", "-input=false", "-no-color"], self.directory,
                                limit)


class Bench:
    def __init__(self, args, server, work):
        self.args, self.server, self.work = args, server, work
        self.program = args.build.resolve() / "hadeploy"
        self.peers = [] if args.alone else [p for p in plan_bench.PEERS if shutil.which(p)]
        self.problems = []

    def ours(self, n, port=None):
        return Ours(self.program, self.server, n, self.work / f"hadeploy-{n}-{port}", port)

    def proxy(self, delay=0.0):
        port = free_port()
        return Proxy(("127.0.0.1", port), ("127.0.0.1", self.server.port), delay), port

    def seconds(self, tools):
        """Each tool's median, by name; None if one exceeded the limit. `tools`: functions by name."""
        results = {name: [] for name in tools}
        for _ in range(self.args.runs):
            for name, run in tools.items():
                if None not in results[name]:
                    results[name].append(run(self.args.limit))
        return {name: None if None in all_of_it else statistics.median(r.seconds for r in all_of_it)
                for name, all_of_it in results.items()}

    def counted(self, n):
        """The round trips of an apply into a new schema, of a plan without changes, and of an apply into an empty
        state."""
        proxy, port = self.proxy()
        tool, out = self.ours(n, port), []
        for run in (tool.apply, tool.plan):
            proxy.begin()
            run(3600)
            out.append(proxy.round_trips)
        tool.empty()
        proxy.begin()
        tool.apply_rest(3600)
        out.append(proxy.round_trips)
        proxy.close()
        return out

    def shown(self, seconds):
        return f"> {self.args.limit} s" if seconds is None else f"{seconds:.3g} s"

    def applies(self, milliseconds):
        n, proxy, port = self.args.resources, None, self.server.port
        if milliseconds:
            proxy, port = self.proxy(milliseconds / 2000)
        ours = self.ours(n, port)
        tools = {"file": self.ours(n).apply_empty, "new schema": ours.apply, "postgres": ours.apply_empty}
        for name in self.peers:
            tools[name] = Peer(name, self.server, n, self.work / f"{name}-{port}", port).apply
        seconds = self.seconds(tools)
        cells = ""
        for name in self.peers:
            ratio = (seconds[name] or self.args.limit) / seconds["postgres"]
            cells += f" {self.shown(seconds[name])} | {ratio:.0f}× |"
            if name == "terraform" and milliseconds == 2 and ratio < ENOUGH:
                self.problems.append(f"{ratio:.1f}, not {ENOUGH} times faster than {name} at 2 ms")
        print(f"| apply into an empty state | {n} | {milliseconds} ms | {self.shown(seconds['file'])} | "
              f"{self.shown(seconds['postgres'])} |{cells}", flush=True)
        print(f"| apply into a new schema | {n} | {milliseconds} ms | | {self.shown(seconds['new schema'])} |"
              + " | |" * len(self.peers), flush=True)
        if proxy:
            proxy.close()

    def plans(self, milliseconds):
        n, proxy, port = self.args.planned, None, self.server.port
        if milliseconds:
            proxy, port = self.proxy(milliseconds / 2000)
        file, postgres = self.ours(n), self.ours(n, port)
        for tool in (file, postgres):
            tool.apply(3600)
        seconds = self.seconds({"file": file.plan, "postgres": postgres.plan})
        print(f"| plan, nothing to change | {n} | {milliseconds} ms | {self.shown(seconds['file'])} | "
              f"{self.shown(seconds['postgres'])} |" + " – | – |" * len(self.peers), flush=True)
        if proxy:
            proxy.close()

    def all(self):
        print("| what | resources | round trip | file | PostgreSQL | "
              + "".join(f"{p}, pg | ratio | " for p in self.peers))
        print("|" + "---|" * (5 + 2 * len(self.peers)), flush=True)
        for milliseconds in self.args.round_trips:
            self.applies(milliseconds)
        for milliseconds in self.args.round_trips:
            self.plans(milliseconds)
        print()
        for n in (self.args.resources, self.args.planned):
            new, plan, apply = self.counted(n)
            print(f"round trips of {n} resources: {apply} to apply, {new} into a new schema, {plan} to plan", flush=True)
            if plan > MOST_ROUND_TRIPS:
                self.problems.append(f"{plan} round trips to plan {n}, more than {MOST_ROUND_TRIPS}")
        for problem in self.problems:
            print(f"not met: {problem}")
        return 1 if self.problems else 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--round-trips", default="0,2,20", help="in milliseconds")
    arguments.add_argument("--resources", type=int, default=1000, help="for applies")
    arguments.add_argument("--planned", type=int, default=10000, help="for plans")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--limit", type=int, default=600, help="limit of each run in seconds")
    arguments.add_argument("--alone", action="store_true", help="without the peers")
    arguments.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "release")
    args = arguments.parse_args()
    args.round_trips = [int(ms) for ms in args.round_trips.split(",")]
    for peer in plan_bench.PEERS:
        if not args.alone and not shutil.which(peer):
            print(f"{peer} is not on the PATH: left out", flush=True)
    os.environ["HADEPLOY_STATE_KEY"] = KEY
    with Server(("fsync = on", "shared_buffers = 128MB")) as server, \
            tempfile.TemporaryDirectory(prefix="hadeploy-bench-") as work:
        return Bench(args, server, pathlib.Path(work)).all()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Missing as reason:
        sys.exit(str(reason))
