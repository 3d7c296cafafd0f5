#!/usr/bin/env python3
"""Runs whose state's server is lost: it restarts, stays away, hangs, fails over, or the link to it is cut; and
runs of eight machines on one state, and runs that are killed.

usage: lost_server_test.py HADEPLOY [--long | CLASS [unittest options]]

The classes spend most of their time waiting, and run concurrently, each with its own server. A "machine" is a
process with its own host name, PID namespace, clone of the project and home, which needs root. `--long` adds
the classes that take longest.
"""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "state"), str(ROOT / "tests" / "cli")]
import skips  # noqa: E402
from postgres_server import Missing, Server, Standby  # noqa: E402

MOST_SECONDS = 150  # after this a test hangs
PATIENCE = 30  # kPatience in state/postgres.h, and the lease
KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="
UNREACHABLE, LOCKED = 69, 75
AGAIN = ("slow", "after", "last")  # what a run makes after one that was interrupted in the first object
APART = "HADEPLOY_APART"
SERVER_ADDRESS, CLIENT_ADDRESS = "10.78.0.1", "10.78.0.2"

# The test decides when an object that waits for a file is made; `made` counts how often each was.
OBJECT = """
  {name}:
    type: local.exec
    depends_on: [{after}]
    create: |
      echo {name} >>{world}/made
      for i in $(seq 9000); do [ -e {world}/{gate} ] && break; sleep 0.02; done
    read: "grep -qx {name} {world}/made || exit 44"
    delete: sed -i /{name}/d {world}/made
"""


def spec(world, *objects):
    """`objects`: (name, file that it waits for); each depends on the one before."""
    text, before = "name: lost\nresources:", ""
    for name, gate in objects:
        text += OBJECT.format(name=name, gate=gate, after=before, world=world)
        before = name
    return text


class Case(unittest.TestCase):
    options = ()  # of the server
    where = []  # the beginning of each hadeploy's command

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-lost-")
        self.addCleanup(directory.cleanup)
        self.home = pathlib.Path(directory.name)
        self.world = self.home / "world"
        self.world.mkdir()
        (self.world / "made").touch()
        (self.world / "open").touch()
        self.server = Server(self.options)
        self.addCleanup(self.server.close)
        self.going = []
        self.addCleanup(self.end_all)
        self.path = self.clone("project")
        self.write(("slow", "go"), ("after", "open"), ("last", "open"))

    def clone(self, name):
        path = self.home / name / "project"
        path.mkdir(parents=True)
        return path

    def write(self, *objects):
        self.spec = spec(self.world, *objects)
        (self.path / "hadeploy.yaml").write_text(self.spec)

    def url(self):
        return self.server.url("lost")

    def end_all(self):
        for gate in ("go", "go2"):
            (self.world / gate).touch()
        for run in self.going:
            run.kill()
            run.wait()
            run.stdout.close()

    def start(self, *words, path=None, where=None):
        path = path or self.path
        environment = {"PATH": os.environ["PATH"], "HOME": str(path.parent), "LC_ALL": "C.UTF-8",
                       "HADEPLOY_STATE": self.url(), "HADEPLOY_STATE_KEY": KEY}
        run = subprocess.Popen([*(where or self.where), HADEPLOY, *words], cwd=path, env=environment, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.going.append(run)
        return run

    def end(self, run, status=0):
        said, _ = run.communicate(timeout=MOST_SECONDS)
        self.assertEqual(run.returncode, status, said)
        return said

    def apply(self, status=0, **more):
        return self.end(self.start("apply", "--auto-approve", **more), status)

    def until(self, condition, what):
        deadline = time.monotonic() + MOST_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"waited in vain for: {what}")
            time.sleep(0.02)

    def made(self):
        return (self.world / "made").read_text().split()

    def until_made(self, name):
        self.until(lambda: name in self.made(), f"the creation of {name}")

    def begin(self):
        run = self.start("apply", "--auto-approve", "--progress", "plain")
        self.until_made("slow")
        return run

    def let(self, gate="go"):
        (self.world / gate).touch()

    def check_done(self, *made):
        """Everything is made and recorded: by default each once. A creation that was interrupted is repeated."""
        self.assertEqual(self.made(), list(made or ("slow", "after", "last")))
        self.end(self.start("plan", "--detailed-exitcode"))
        self.assertEqual(self.end(self.start("state", "list")).split(), sorted(set(self.made())))


class Restarts(Case):
    def test_a_run_continues_after_restarts(self):
        names = [f"r{n}" for n in range(12)]
        self.write(*((name, "open") for name in names))
        run = self.start("apply", "--auto-approve")
        for name in names[1::4]:
            self.until_made(name)
            self.server.restart("immediate")
        self.end(run)
        self.check_done(*names)


class StaysAway(Case):
    def test_what_runs_ends_nothing_begins_and_the_next_run_resumes(self):
        run = self.begin()
        self.server.stop("immediate")
        self.let()
        began = time.monotonic()
        said = self.end(run, UNREACHABLE)
        self.assertGreater(time.monotonic() - began, PATIENCE - 10)
        self.assertEqual(self.made(), ["slow"])
        self.assertIn("does not answer", said)
        self.assertIn("which continues the recorded changes", said)
        self.assertIn("1 failed, 2 skipped", said)  # the report
        self.server.start()
        self.assertIn("Unfinished changes of an earlier run", self.end(self.start("plan")))
        self.apply()
        self.check_done("slow", *AGAIN)


class Hangs(Case):
    """As if the server's disk were stuck: connections succeed, and nothing answers."""

    def test_a_server_that_hangs_is_one_that_stays_away(self):
        run = self.begin()
        stopped = self.server.processes()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            self.let()
            said = self.end(run, UNREACHABLE)
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        self.assertEqual(self.made(), ["slow"])
        self.assertIn("which continues the recorded changes", said)
        self.apply()
        # the record of `slow` may have reached the server, which writes it when it wakes
        self.check_done(*self.made()[:-3], *AGAIN)


class FailOver(Case):
    options = ("wal_level = replica", "max_wal_senders = 4", "hot_standby = on")

    def setUp(self):
        super().setUp()
        self.write(("slow", "go"), ("after", "go2"), ("last", "open"))
        self.server.sql("SELECT 1")
        self.standby = Standby(self.server)
        self.addCleanup(self.standby.close)

    def url(self):
        ports = f"{self.server.port},{self.standby.port}"
        return (f"postgresql://hadeploy@/postgres?host={self.server.directory},{self.server.directory}&port={ports}"
                "&target_session_attrs=read-write&schema=lost")

    def configure(self, server, setting):
        server.sql(f"ALTER SYSTEM SET {setting}")
        server.sql("SELECT pg_reload_conf()")

    def test_a_standby_that_has_everything_takes_over(self):
        self.configure(self.server, "synchronous_standby_names = '*'")
        run = self.begin()
        self.server.stop("immediate")
        self.standby.promote()
        self.let()
        self.let("go2")
        self.end(run)
        self.check_done()

    def test_a_standby_that_lacks_commits_is_refused(self):
        run = self.begin()
        self.configure(self.standby, "primary_conninfo = ''")
        self.until(lambda: self.server.sql("SELECT count(*) FROM pg_stat_replication") == "0", "the standby's end")
        self.let()
        self.until_made("after")  # so that the end of `slow` was committed
        self.server.stop("immediate")
        self.standby.promote()
        self.let("go2")
        said = self.end(run, 1)
        self.assertIn("has lost writes that the server had confirmed", said)
        self.assertEqual(self.made(), ["slow", "after"])
        said = self.apply(1)
        self.assertIn("has lost writes that this machine has seen", said)
        self.assertEqual(self.made(), ["slow", "after"])
        (self.path / ".hadeploy" / "seen.json").unlink()
        self.apply()
        self.check_done("slow", "after", "slow", "last")


@unittest.skipIf(os.geteuid() != 0, "not root")
class Machines(Case):
    AT_ONCE = 8

    def machine(self, number):
        """Where a machine's hadeploy runs, and its clone."""
        path = self.clone(f"machine{number}")
        (path / "hadeploy.yaml").write_text(self.spec)
        where = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "sh", "-c",
                 f'hostname machine{number}; exec "$@"', "sh"]
        return {"path": path, "where": where}

    def test_one_works_the_others_leave_or_wait(self):
        machines = [self.machine(n) for n in range(self.AT_ONCE)]
        runs = [self.start("apply", "--auto-approve", "--lock-timeout", "0" if n % 2 else str(MOST_SECONDS), **machine)
                for n, machine in enumerate(machines)]
        self.until_made("slow")
        holder = self.server.sql("SELECT owner::json ->> 'host' FROM lost.project")
        impatient = [run for n, run in enumerate(runs) if n % 2 and holder != f"machine{n}"]
        for run in impatient:
            said = self.end(run, LOCKED)
            self.assertIn('is in use: "apply" by ', said)
            self.assertIn(f" on {holder}, pid ", said)
            self.assertIn(f"interrupt it on {holder}", said)
        self.let()
        for run in runs:
            if run not in impatient:
                self.end(run)
        self.check_done()
        for machine in machines:
            self.assertIn("Nothing to change", self.apply(**machine))

    def test_the_lease_of_a_dead_machine_expires(self):
        first, second = self.machine(1), self.machine(2)
        run = self.start("apply", "--auto-approve", **first)
        self.until_made("slow")
        run.kill()
        run.communicate()
        began = time.monotonic()
        self.assertIn("its lease expires in ", self.apply(LOCKED, **second))
        self.let()
        self.end(self.start("apply", "--auto-approve", "--lock-timeout", str(MOST_SECONDS), **second))
        self.assertGreater(time.monotonic() - began, PATIENCE - 10)
        self.check_done("slow", *AGAIN)


class Kills(Case):
    ROUNDS = 100

    def full_run(self):
        """@returns the seconds that an apply takes that is not killed; its status 0 shows that no lock is left"""
        began = time.monotonic()
        self.apply()
        return time.monotonic() - began

    def listed(self):
        return self.end(self.start("state", "list")).split()

    def killed(self, seconds):
        """Whether the run was still at work after this time, and was killed."""
        run = self.start("apply", "--auto-approve")
        try:
            said, _ = run.communicate(timeout=seconds)
            self.assertEqual(run.returncode, 0, said)
            return False
        except subprocess.TimeoutExpired:
            run.kill()
            run.communicate()
            return True

    def test_a_hundred_kills_leave_no_lock_and_lose_no_row(self):
        chance, names, made, kills = random.Random(7), [], {}, 0
        while kills < self.ROUNDS:
            names.append(f"o{len(names)}")
            self.write(*((name, "open") for name in names))
            for _ in range(5 if made else 0):
                kills += self.killed(chance.uniform(0, duration))
                listed = self.listed()
                self.assertLessEqual(set(made), set(listed))
                # recorded objects are not created again
                self.assertEqual({name: self.made().count(name) for name in made}, made)
                made = {name: self.made().count(name) for name in listed}
            duration = self.full_run()
            self.assertEqual(self.listed(), sorted(names))
            made = {name: self.made().count(name) for name in names}
        print(f"{kills} kills, {len(names)} objects, {sum(made.values())} creations")


class LinkCut(Case):
    """A link between two network namespaces: the server here, hadeploy there."""
    options = ("listen_addresses = '*'",)
    where = ["ip", "netns", "exec", "there"]

    def setUp(self):
        if APART not in os.environ:
            self.skipTest("no network namespaces")
        super().setUp()
        hba = self.server.data / "pg_hba.conf"
        hba.write_text(hba.read_text() + f"host all all {CLIENT_ADDRESS}/32 trust\n")
        self.server.sql("SELECT pg_reload_conf()")
        self.addCleanup(self.link, "up")

    def url(self):
        return f"postgresql://hadeploy@{SERVER_ADDRESS}:{self.server.port}/postgres?sslmode=disable&schema=lost"

    def link(self, state):
        subprocess.run(["ip", "link", "set", "state0", state], check=True, timeout=MOST_SECONDS)

    def cut_for(self, seconds):
        run = self.begin()
        self.link("down")
        self.let()
        time.sleep(seconds)
        self.assertNotIn("after", self.made())
        if seconds > PATIENCE:
            self.end(run, UNREACHABLE)
        self.link("up")
        return run

    def test_a_short_cut_is_waited_out(self):
        self.end(self.cut_for(4))
        self.check_done()


class LinkCutLong(LinkCut):
    test_a_short_cut_is_waited_out = None

    def test_a_cut_that_ends_the_connection(self):
        """The kernel gives the connection up after 15 seconds."""
        self.end(self.cut_for(25))
        self.check_done()

    def test_a_cut_that_lasts(self):
        self.cut_for(PATIENCE + 45)
        self.apply()
        self.check_done("slow", *AGAIN)


QUICK = (Restarts, StaysAway, FailOver, Machines, Kills, LinkCut)
LONG = QUICK + (Hangs, LinkCutLong)
LINK = f"""
    mount -t tmpfs run /run && mkdir /run/netns
    ip netns add there && ip link set lo up
    ip link add state0 type veth peer name state1 netns there
    ip addr add {SERVER_ADDRESS}/24 dev state0 && ip link set state0 up
    ip -n there addr add {CLIENT_ADDRESS}/24 dev state1 && ip -n there link set state1 up && ip -n there link set lo up
"""


def possible(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def all_of(classes):
    """Runs the classes concurrently, the cut link in namespaces of its own."""
    apart = shutil.which("ip") and possible("unshare", "-mn", "sh", "-ec", LINK)
    runs = {}
    for kind in classes:
        command = [sys.executable, __file__, HADEPLOY, kind.__name__]
        if apart and issubclass(kind, LinkCut):
            command = ["unshare", "-mn", "sh", "-ec", LINK + f"{APART}=1 exec \"$@\"", "sh", *command]
        runs[kind.__name__] = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    codes = set()
    for name, run in runs.items():
        said = run.communicate()[0]
        print(f"== {name}: exit {run.returncode}\n{said}", flush=True)
        codes.add(run.returncode)
    return 1 if codes - {0, 77} else max(codes)


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    try:
        if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
            skips.main()
        Server().close()
    except Missing as reason:
        print(f"SKIPPED: {reason}")
        sys.exit(77)
    sys.exit(all_of(LONG if "--long" in sys.argv else QUICK))
