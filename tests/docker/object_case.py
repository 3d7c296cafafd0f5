"""Shared by the tests of Docker's objects on a real Docker, with the arguments HADEPLOY PROGRAMS.

PROGRAMS is the directory in which unpack.sh has unpacked Docker. Without it, or where Docker cannot run, the
test counts as skipped. Importing this module starts the server, in namespaces.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import real_docker

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import skips  # noqa: E402

HADEPLOY, PROGRAMS = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
if real_docker.INSIDE not in os.environ:
    WHY_NOT = real_docker.why_not(PROGRAMS)
    if WHY_NOT:
        print(f"SKIPPED: {WHY_NOT}")
        sys.exit(77)
SERVER = real_docker.RealDocker(real_docker.enter(), PROGRAMS)
del sys.argv[1:3]


def main():
    try:
        skips.main()
    finally:
        SERVER.stop()


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="project-", dir=SERVER.path)
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.environment = dict(os.environ, HOME=str(self.path), LC_ALL="C.UTF-8")
        self.addCleanup(self.clear)

    def clear(self):
        """Removes what the test has left on the server."""
        d = SERVER.docker
        for service in d("service", "ls", "-q").split():
            d("service", "rm", service)
        for container in d("ps", "-aq").split():
            d("rm", "-f", container)
        for kind in ("secret", "config", "volume"):
            for name in SERVER.names(kind):
                for _ in range(100):
                    if subprocess.run(["docker", kind, "rm", name], capture_output=True).returncode == 0:
                        break
                    time.sleep(0.1)
        for name in set(SERVER.names("network")) - {"bridge", "host", "none", "ingress", "docker_gwbridge"}:
            for _ in range(100):
                if subprocess.run(["docker", "network", "rm", name], capture_output=True).returncode == 0:
                    break
                time.sleep(0.1)

    def spec(self, resources):
        """resources: YAML; HOST is the connection of the host, HOSTS the managers."""
        text = resources.replace("HOSTS", "{m: '${m.connection}'}").replace("HOST", "'${m.connection}'")
        (self.path / "hadeploy.yaml").write_text(
            f"name: test\nresources:\n  m: {{type: ssh.host, address: 127.0.0.1, port: {SERVER.port}, user: root, "
            f"private_key_file: {SERVER.key}, host_key: '{SERVER.host_key}'}}\n{text}")

    def hadeploy(self, *words, status=0):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, env=self.environment, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=300)
        self.assertEqual(done.returncode, status, f"{words}:\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def apply(self, *words, **more):
        return self.hadeploy("apply", "--auto-approve", *words, **more)

    def steps(self, *words):
        plan = json.loads(self.hadeploy("plan", "--json", *words).splitlines()[-1])
        return {s["address"]: s["action"] for s in plan["steps"]}

    def settled(self):
        self.assertEqual(self.steps(), {})

    def attribute(self, address, name):
        state = json.loads(self.hadeploy("state", "pull"))
        return next(r for r in state["resources"] if r["address"] == address)["attributes"][name]

    def wait_for(self, what, good):
        for _ in range(300):
            if good():
                return
            time.sleep(0.1)
        self.fail(what)
