"""The bench of a state in PostgreSQL: a plan needs no more round trips than bench/postgres promises, however many
resources there are.

usage: postgres_bench_test.py HADEPLOY
"""
import pathlib
import subprocess
import sys
import unittest

HADEPLOY = pathlib.Path(sys.argv.pop(1)).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "state"), str(ROOT / "tests" / "cli")]
import skips  # noqa: E402
from postgres_server import Missing, program  # noqa: E402


class Bench(unittest.TestCase):
    def test_round_trips(self):
        try:
            program("initdb")
        except Missing as reason:
            self.skipTest(str(reason))
        done = subprocess.run([sys.executable, ROOT / "bench" / "postgres" / "run.py", "--alone", "--build",
                               HADEPLOY.parent, "--runs", "1", "--resources", "20", "--planned", "2500",
                               "--round-trips", "0,2"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for row in ("apply into an empty state | 20 | 0 ms", "apply into a new schema | 20 | 2 ms",
                    "plan, nothing to change | 2500 | 2 ms"):
            self.assertIn(f"| {row} | ", done.stdout)
        self.assertRegex(done.stdout, r"round trips of 2500 resources: \d+ to apply, \d+ into a new schema, \d to plan")


if __name__ == "__main__":
    skips.main()
