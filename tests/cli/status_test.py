#!/usr/bin/env python3
"""`hadeploy status` of a cluster without a quorum: two of three machines are silent, and on the third Docker
and Gluster answer only in part. The real program against real sshds, in mount namespaces with a fake
Docker and Gluster.

usage: status_test.py HADEPLOY
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import own_sshd

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"

# Runs as the machine: two processes with the names of the daemons, then sshd.
MACHINE = """
import os, pathlib, socket, sys, time
path, mode = pathlib.Path(sys.argv[1]), sys.argv[2]
def daemon(name, work):
    child = os.fork()
    if child == 0:
        pathlib.Path("/proc/self/comm").write_text(name)
        work()
    pathlib.Path(f"/run/{name.replace('dockerd', 'docker')}.pid").write_text(f"{child}\\n")
def docker():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("/run/docker.sock")
    listener.listen()
    open_ones = []
    while True:
        client = listener.accept()[0]
        client.recv(4096)
        if mode == "silent":
            open_ones.append(client)
            continue
        body = '{"message": "The swarm does not have a leader."}'
        client.sendall(f"HTTP/1.0 503 X\\r\\nServer: D\\r\\n\\r\\n{body}".encode())
        client.close()
os.mkdir("/run/sshd")
daemon("dockerd", docker)
daemon("glusterd", lambda: time.sleep(600))
os.execv("/usr/sbin/sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", str(path / "sshd_config")])
"""

GLUSTER = """#!/bin/sh
case $* in
*"pool list") printf 'UUID\\t\\t\\tHostname \\tState\\n1\\tnode1 \\tDisconnected \\n2\\tlocalhost\\tConnected \\n';;
*) exec sleep 600;;
esac
"""


class Machine:
    """A real sshd, which can be replaced by a silent socket."""

    def __init__(self, path, key):
        self.path = path
        self.port = own_sshd.prepare(path, key)
        (path / "bin" / "gluster").write_text(GLUSTER)
        (path / "bin" / "gluster").chmod(0o755)
        self.process = self.socket = None

    def start(self, mode):
        self.stop()
        self.process = own_sshd.start(self.path, self.port, MACHINE, self.path, mode)

    def fall_silent(self):
        self.stop()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for _ in range(400):  # killed processes can still be ending
            try:
                self.socket.bind(("127.0.0.1", self.port))
                break
            except OSError:
                time.sleep(0.05)
        self.socket.listen()

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if self.socket is not None:
            self.socket.close()
        self.process = self.socket = None

    def public_key(self):
        return own_sshd.public_key(self.path)


class StatusTest(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-status-test-"))
        self.addCleanup(shutil.rmtree, self.path)
        key = self.path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.machines = []
        spec = "name: test\nresources:\n"
        for number in (1, 2, 3):
            machine = Machine(self.path / f"m{number}", key)
            self.machines.append(machine)
            self.addCleanup(machine.stop)
            machine.start("leaderless")
            spec += (f"  node{number}: {{type: ssh.host, address: 127.0.0.1, port: {machine.port}, "
                     f"user: root, private_key_file: {key}, host_key: {machine.public_key()}}}\n")
        (self.path / "hadeploy.yaml").write_text(spec)
        self.hadeploy("apply", "--auto-approve")
        self.record_cluster()

    def hadeploy(self, *words, status=0):
        done = subprocess.run([PROGRAM, *words], cwd=self.path, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def record_cluster(self):
        """Records a pool, a volume and a stack on the three machines."""
        state = json.loads(self.hadeploy("state", "pull"))
        first = state["resources"][0]
        hosts = {r["address"]: r["attributes"]["connection"] for r in state["resources"]}

        def record(address, kind, attributes):
            state["resources"].append(
                first | {"address": address, "type": kind, "config": attributes,
                         "attributes": attributes, "depends_on": [],
                         "identity": first["identity"][:-1] + str(len(state["resources"]))})

        record("pool", "gluster.pool", {"hosts": hosts, "members": list(hosts)})
        record("stack", "docker.stack", {"hosts": hosts, "name": "app", "services": {}})
        record("volume", "gluster.volume", {
            "hosts": hosts, "name": "vol0", "replica": 3, "brick": "/b",
            "bricks": [f"{name}:/b" for name in hosts]})
        state["serial"] += 1
        (self.path / "pushed.json").write_text(json.dumps(state))
        self.hadeploy("state", "push", "--edited", "pushed.json")

    def check_order(self, text, *parts):
        at = -1
        for part in parts:
            found = text.find(part, at + 1)
            self.assertGreater(found, at, f"{part!r} is not where it should be in:\n{text}")
            at = found

    def test_two_of_three_are_silent(self):
        for machine in self.machines[:2]:
            machine.fall_silent()
        text = self.hadeploy("status", status=1)
        self.check_order(
            text, "?     node1", "?     node2", "up    node3", "! node1", "! node2",
            "! the swarm cannot be read: ", "The swarm does not have a leader.",
            "DOWN     node1 (Gluster)", "(Gluster)", "?        vol0 node1:/b",
            "! node1 is not connected to the pool",
            "! the state of the bricks of vol0 cannot be read: Gluster did not respond",
            "! the pending heals of vol0 cannot be read: Gluster did not respond")
        self.assertNotIn("OFFLINE", text)
        self.assertNotIn("Everything matches the spec", text)

    def test_docker_is_silent_too(self):
        for machine in self.machines[:2]:
            machine.fall_silent()
        self.machines[2].start("silent")
        text = self.hadeploy("status", status=1)
        # the speed of the machine decides whether Gluster is asked in time
        self.check_order(text, "up    node3", "! the swarm: no answer within 10 s",
                         "Not compared with the spec: the time limit was reached.")


if __name__ == "__main__":
    unittest.main()
