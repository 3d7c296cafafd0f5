"""Helpers of the end-to-end tests to run hadeploy and to inspect the machines by other means.

All checks use programs that are independent of hadeploy: virsh, ssh, docker, gluster, curl.
"""
import atexit
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HADEPLOY_BUILD", SOURCE / "build" / "ci"))
HADEPLOY = BUILD / "hadeploy"
IMAGES = BUILD / "images"
LAB = SOURCE / "scripts" / "lab"
# Emulated machines are slow, on some hosts half as slow again. A longer limit costs nothing if the tests
# pass.
PATIENCE = 2


def run(*argv, timeout=900, check=True, stdin=None):
    """Runs a program; the error of a failure contains its output."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout,
                          input=stdin)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, argv))}: exit {done.returncode}\n"
                             f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}")
    return done


def wait_until(what, condition, timeout):
    """Polls until the condition holds; the error of a failure contains its last exception or value."""
    timeout *= PATIENCE
    end = time.monotonic() + timeout
    last = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, subprocess.TimeoutExpired, ValueError) as error:
            last = error
        time.sleep(2)
    raise AssertionError(f"not within {timeout} s: {what}; last seen: {last}")


class Project:
    """A copy of an example in its own directory."""

    def __init__(self, example, variables=None, spec=None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-e2e-"))
        atexit.register(shutil.rmtree, self.root, ignore_errors=True)  # even after a failure
        shutil.copytree(SOURCE / "modules", self.root / "modules")
        if spec is None:
            shutil.copytree(SOURCE / "examples" / example, self.root / "examples" / example,
                            ignore=shutil.ignore_patterns(".hadeploy"))
        self.directory = self.root / "examples" / example
        if spec is not None:
            self.directory.mkdir(parents=True)
            (self.directory / "hadeploy.yaml").write_text(spec)
        self.variables = variables or {}
        self.environment = ""

    def command(self, *args):
        argv = [LAB, "exec", HADEPLOY, "--chdir", self.directory, "--no-color"]
        if self.environment:
            argv += ["--env", self.environment]
        for name, value in self.variables.items():
            argv += ["--var", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
        return argv + list(args)

    def hadeploy(self, *args, timeout=1500, check=True):
        begin = time.monotonic()
        done = run(*self.command(*args), timeout=timeout, check=check)
        if args[0] not in ("output", "state"):
            print(f"\n$ hadeploy {' '.join(map(str, args))}  -> {done.returncode} "
                  f"in {time.monotonic() - begin:.0f} s", flush=True)
        return done

    def plan(self):
        """The steps of a plan as {address: action}."""
        done = self.hadeploy("plan", "--json", "--progress", "quiet")
        return {s["address"]: s for s in json.loads(done.stdout.splitlines()[-1])["steps"]}

    def output(self, name):
        return json.loads(self.hadeploy("output", "--json", name).stdout)

    def apply(self, timeout=1500):
        return self.hadeploy("apply", "--auto-approve", "--progress", "plain", timeout=timeout)

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


class Node:
    """A machine, accessed with the system's ssh."""

    def __init__(self, address, key, user="ops"):
        self.address, self.key, self.user = address, key, user

    def sh(self, script, check=True, timeout=180 * PATIENCE):
        return run(LAB, "exec", "ssh", "-i", self.key, "-o", "StrictHostKeyChecking=no",
                   "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                   "-o", "ConnectTimeout=10", f"{self.user}@{self.address}", "sudo", "sh", "-s",
                   stdin=script, check=check, timeout=timeout).stdout.strip()


def virsh(*args, check=True):
    return run("virsh", "-q", "-c", "qemu:///system", *args, check=check).stdout.strip()


def http(url, *args, timeout=20):
    """The body of a response with a status below 400."""
    return run(LAB, "exec", "curl", "--fail-with-body", "-sS", "--max-time", timeout, *args, url).stdout


class Story(unittest.TestCase):
    """Tests of one project on machines of the lab, which depend on each other and run in the order of their names.

    With HADEPLOY_E2E_PROJECT=DIR, an applied copy of the example, they run against that project, and keep it."""

    EXAMPLE = ""
    VARIABLES = {}
    ENVIRONMENT = ""  # of the project, at first

    @classmethod
    def setUpClass(cls):
        cls.lab_was_up = run(LAB, "status", check=False).returncode == 0
        run(LAB, "up")
        cls.before = virsh("list", "--all", "--name")
        cls.kept = os.environ.get("HADEPLOY_E2E_PROJECT")
        cls.project = Project(cls.EXAMPLE, dict(cls.VARIABLES))
        cls.project.environment = cls.ENVIRONMENT
        if cls.kept:
            cls.project.remove()
            cls.project.directory = pathlib.Path(cls.kept)

    @classmethod
    def tearDownClass(cls):
        if cls.kept:
            return
        try:
            cls.project.hadeploy("destroy", "--auto-approve", "--allow-data-loss",
                                 "--progress", "plain", check=False)
        finally:
            cls.project.remove()
            if not cls.lab_was_up:
                run(LAB, "down")
