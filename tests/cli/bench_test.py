"""The planning bench: every shape is a spec that can be applied and then needs no change; a missing peer
is named; a peer that takes too long, or whose bench is killed, ends with all its processes."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HADEPLOY = pathlib.Path(sys.argv.pop(1)).resolve()
RUN = pathlib.Path(__file__).resolve().parents[2] / "bench" / "plan" / "run.py"
SHAPES = ("fanout", "chain", "layered", "count", "for_each", "modules", "flat")


def alive(pid):
    """Whether the process exists and is no zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Bench(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-bench-test-"))
        self.addCleanup(shutil.rmtree, self.home)
        # where the bench finds its peers: only those that a test creates
        self.path = self.home / "bin"
        self.path.mkdir()
        (self.path / "python3").symlink_to(sys.executable)
        for tool in ("sh", "sleep"):
            (self.path / tool).symlink_to(shutil.which(tool))

    def command(self, *args):
        return [sys.executable, RUN, "--build", HADEPLOY.parent, "--runs", "1", *args]

    @property
    def environment(self):
        return {**os.environ, "PATH": str(self.path)}

    def bench(self, *args):
        done = subprocess.run(self.command(*args), capture_output=True, text=True, check=False,
                              env=self.environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def peer(self, last):
        """A terraform with a fast init and a slow plan; writes its process IDs to `pids`."""
        file = self.path / "terraform"
        file.write_text(f'#!/bin/sh\n[ "$1" = init ] && exit\n{last}\n')
        file.chmod(0o755)

    def pids(self, count):
        for _ in range(500):
            file = self.home / "pids"
            found = [int(p) for p in file.read_text().split()] if file.exists() else []
            if len(found) == count:
                return found
            time.sleep(0.02)
        return self.fail("the peer was not started")

    def gone(self, pids):
        for _ in range(500):
            if not any(map(alive, pids)):
                return True
            time.sleep(0.02)
        return False

    def test_every_shape_settles(self):
        out = self.bench("--alone", "--sizes", "20,40")
        for shape in SHAPES:
            for what in ("validate", "apply from nothing", "plan, nothing to change, cold",
                         "plan, nothing to change, warm"):
                for size in (20, 40):
                    self.assertIn(f"| {what} | {shape} | {size} | ", out)
                self.assertIn(f"| {what} | {shape} | hadeploy | 20 to 40 | ", out)

    def test_a_missing_peer_is_named(self):
        out = self.bench("--sizes", "20", "--shapes", "flat", "--only", "validate")
        self.assertIn("terraform is not on the PATH: left out", out)
        self.assertIn("tofu is not on the PATH: left out", out)

    def test_what_takes_too_long_ends_with_all_that_it_started(self):
        self.peer(f"sleep 600 & echo $$ $! > {self.home}/pids; wait")
        out = self.bench("--sizes", "20", "--shapes", "flat", "--only", "apply", "--limit", "3")
        self.assertIn("| > 3 s | > ", out)
        self.assertTrue(self.gone(self.pids(2)))

    def test_a_bench_that_is_ended_leaves_nothing(self):
        for ending, last, count in (
                (signal.SIGTERM, f"sleep 600 & echo $$ $! > {self.home}/pids; wait", 2),
                (signal.SIGKILL, f"echo $$ > {self.home}/pids; exec sleep 600", 1)):
            self.peer(last)
            (self.home / "pids").unlink(missing_ok=True)
            with subprocess.Popen(
                    self.command("--sizes", "20", "--shapes", "flat", "--only", "apply"),
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env={**self.environment, "TMPDIR": str(self.home)}) as bench:
                pids = self.pids(count)
                bench.send_signal(ending)
            self.assertTrue(self.gone(pids), ending)


if __name__ == "__main__":
    unittest.main(verbosity=2)
