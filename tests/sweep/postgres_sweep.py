#!/usr/bin/env python3
"""The sweep (sweep.py) with the state in PostgreSQL: faults at every statement that hadeploy sends.

    tests/sweep/postgres_sweep.py HADEPLOY FAULT_LIBRARY [--every N] [--only PHASE]

hadeploy is connected through a proxy that acts at the chosen statement, before it is sent to the server or
after the server has executed it, in which case the answer is lost. That is what matters for a COMMIT.

  kill       SIGKILL. One more run has to reach the same result; at every third point it is killed as well.
  cut        The connection ends. The run itself has to reach the result, with each object made once.
  terminate  pg_terminate_backend, likewise.
  restart    pg_ctl restart -m immediate, at every tenth of the points, since it takes longest. The run
             reaches the result, or ends with exit code 69 while it opens the state and another run does.

Each worker has its own server, started by an ordinary user. Exits with 77 if PostgreSQL is missing.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

import sweep

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "state"))
from postgres_proxy import Fault, Proxy  # noqa: E402
from postgres_server import Missing, Server, children_of, ordinary_user, program  # noqa: E402

# Minimum number of statements in each phase.
LEAST = {"create": 300, "replace": 200, "destroy": 300, "rekey": 100, "give up": 300}
KINDS = ("kill", "cut", "terminate", "restart")
SCHEMA, PORT = "sweep", 6000
UNREACHABLE = 69


class PostgresSweep(sweep.Sweep):
    def prepare(self, args):
        shutil.copy(pathlib.Path(args.library).with_name("sweep_object"), self.home / "object")
        self.server = Server()
        self.proxied = self.home.parent / "proxy"
        self.proxied.mkdir()
        self.proxy = Proxy(f"{self.proxied}/.s.PGSQL.{PORT}", f"{self.server.directory}/.s.PGSQL.{self.server.port}")
        self.environment = {**os.environ, "HADEPLOY_STATE_KEY_FILE": str(self.home / "key"),
                            "HADEPLOY_STATE": f"postgresql://hadeploy@/postgres?host={self.proxied}&port={PORT}"
                                              f"&schema={SCHEMA}"}
        self.dumps = {}
        self.acting = threading.Lock()

    def close(self):
        self.proxy.close()
        self.server.close()

    def run(self, *command, fault=None):
        """`fault` is None, or (at, when, kind)."""
        started = threading.Event()

        def act(connection):
            started.wait()
            with self.acting:
                if fault[2] == "kill":
                    process.kill()
                elif fault[2] == "terminate":
                    self.server.sql(f"SELECT pg_terminate_backend({connection.backend}, 10000)")
                elif fault[2] == "restart":
                    self.server.restart()
            if fault[2] != "terminate" or fault[1] == "after":
                connection.close()
        injected = Fault(*fault[:2], act) if fault else None
        self.proxy.begin(injected)
        process = subprocess.Popen([self.hadeploy, "--chdir", self.home, *command], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        started.set()
        try:
            out, err = process.communicate(timeout=sweep.MOST_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"no end after {sweep.MOST_SECONDS} s") from None
        with self.acting:
            pass  # hadeploy may give up while the server is still starting again
        assert not (injected and injected.stalled), "the server did not answer the statement"
        assert sweep.CANARY not in out + err, "the secret was printed"
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def wait_for_orphans(self):
        """All but the server, which is an orphan of pg_ctl."""
        server = self.server.processes()[0]
        while orphans := [pid for pid in children_of(os.getpid()) if pid != server]:
            for pid in orphans:
                try:
                    os.waitpid(pid, 0)
                except ChildProcessError:
                    pass  # a child of the proxy's thread, which has waited for it

    def has_state(self):
        return self.server.sql(f"SELECT count(*) FROM pg_namespace WHERE nspname = '{SCHEMA}'") == "1"

    def dump(self):
        return self.server.run(program("pg_dump"), "-h", self.server.directory, "-p", self.server.port, "-U", "hadeploy",
                               "-n", SCHEMA, "postgres") if self.has_state() else ""

    def save(self, name):
        super().save(name)
        self.dumps[name] = self.server.directory / f"{name.replace(' ', '-')}.sql"
        self.dumps[name].write_text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;\n" + self.dump())

    def restore(self, name):
        super().restore(name)
        self.server.run(self.server.psql, "-Xqb", "-v", "ON_ERROR_STOP=1", "-h", self.server.directory, "-p",
                        self.server.port, "-U", "hadeploy", "-d", "postgres", "-c", "SET client_min_messages = error",
                        "-f", self.dumps[name])

    def counted(self):
        number = self.server.sql(f"SELECT (SELECT count(*) FROM {SCHEMA}.intents), count(*), count(DISTINCT identity) "
                                 f"FROM {SCHEMA}.resources").split("|")
        assert sweep.CANARY not in self.dump(), "secret in the database"
        return int(number[0]), (int(number[1]), int(number[2]))

    def names(self):
        """Without what only a run that has written remembers."""
        return super().names() - {".hadeploy/seen.json"}

    def made(self):
        return sorted((self.home / "made").read_text().split())

    def fault(self, fault, number, points, begin, phase, command, after):
        at, _, kind = fault
        self.restore(begin)
        done = self.run(*command, fault=fault)
        self.done[kind] += self.proxy.statements >= at
        if kind == "kill":
            if number % 3 == 0:
                self.run(*after, fault=(1 + at * 7 % points, fault[1], kind))
                self.done["second kill"] += self.proxy.statements >= 1 + at * 7 % points
            return self.converge(phase, after)
        said = f"exit {done.returncode}\n{done.stdout}{done.stderr}"
        if kind == "restart" and done.returncode == UNREACHABLE:
            assert self.made() == self.made_before, f"it had begun: {said}"
            return self.converge(phase, after)
        assert done.returncode == 0, said
        assert self.made() == self.made_after, "an object was made twice"
        self.check_next_plan(command)
        return self.check(phase)

    def phase(self, phase, begin, command, after):
        self.restore(begin)
        self.made_before = self.made()
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        points, self.made_after = self.proxy.statements, self.made()
        assert points >= LEAST[phase], f"{phase}: only {points} statements, at least {LEAST[phase]}"
        self.settle(phase, after)
        kinds = KINDS[:1] if phase == "give up" else KINDS
        faults = [(kind, when) for kind in kinds for when in ("before", "after")]
        for order, (kind, when) in enumerate(faults):
            for number, at in self.mine(points, 1 + order * self.every // len(faults)):
                if kind != "restart" or number % 10 == 0:
                    try:
                        self.fault((at, when, kind), number, points, begin, phase, command, after)
                    except AssertionError as error:
                        raise AssertionError(f"{phase}, {kind} {when} statement {at}: {error}") from None
        return points


if __name__ == "__main__":
    ARGS = sweep.arguments_of(__doc__)
    try:
        ordinary_user(), program("initdb"), program("pg_dump")
    except Missing as reason:
        print(f"SKIPPED: {reason}")
        sys.exit(77)
    sweep.run_shares(PostgresSweep, ARGS)
