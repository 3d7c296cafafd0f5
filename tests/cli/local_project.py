"""Projects of local resources in temporary directories, run by the real program.

A test module that imports this takes the program's path as its first argument.
"""
import functools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"


def at_each_parallelism(test):
    """Runs the test once for each, in a new project; Project.apply() uses it."""
    @functools.wraps(test)
    def run(self):
        for parallelism in ("1", "10"):
            with self.subTest(parallelism=parallelism):
                self.clear()
                self.parallelism = parallelism
                test(self)
    return run


def children_of(pid):
    """One entry per thread."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


class Project(unittest.TestCase):
    parallelism = "10"

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)

    def clear(self):
        for entry in self.path.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def spec(self, text):
        self.write("hadeploy.yaml", "name: test\n" + text)

    def write(self, name, text):
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_text(text)

    def read(self, name):
        return (self.path / name).read_text()

    def there(self, name):
        return os.path.lexists(self.path / name)

    def run_it(self, *words, code=0, env=None):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.path), **(env or {})})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def apply(self, *words, code=0):
        return self.run_it("apply", "--auto-approve", "--parallelism=" + self.parallelism, *words,
                           code=code)
