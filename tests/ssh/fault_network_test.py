#!/usr/bin/env python3
"""The scripts of the network faults, with the real nft and tc between two network namespaces. Exit status 77:
the tool is missing, or the kernel lacks a module.

usage: fault_network_test.py partition|latency
"""
import os
import pathlib
import subprocess
import sys
import time
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "src/providers/ssh/scripts"
NODE, OTHER, CONTROLLER = "10.77.0.11", "10.77.0.12", "10.77.0.99"
SSH, SWARM = 22, 2377

SERVER = """
import socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    listener.accept()[0].sendall(b"x")
"""
CLIENT = """
import socket, sys
there, port, here = sys.argv[1], int(sys.argv[2]), sys.argv[3]
socket.create_connection((there, port), 2, (here, 0)).recv(1)
"""


def run(*words, **more):
    return subprocess.run(words, check=False, capture_output=True, text=True, **more)


def script(name, **variables):
    text = "".join(f"{key}='{value}'\n" for key, value in variables.items())
    return run("sh", "-euc", text + (SCRIPTS / f"{name}.sh").read_text())


def in_namespaces():
    """A veth between this namespace, the node's, and one of the other node and the controller."""
    setup = f"""
        mount -t tmpfs run /run && mkdir /run/netns
        ip netns add other && ip link set lo up
        ip link add eth7 type veth peer name eth8 netns other
        ip addr add {NODE}/24 dev eth7 && ip link set eth7 up
        ip -n other addr add {OTHER}/24 dev eth8 && ip -n other addr add {CONTROLLER}/24 dev eth8
        ip -n other link set eth8 up && ip -n other link set lo up"""
    return run("sh", "-ec", setup).returncode == 0


def server(place, address, port):
    command = ["python3", "-c", SERVER, address, str(port)]
    process = subprocess.Popen(place + command, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


class Network(unittest.TestCase):
    other = ["ip", "netns", "exec", "other"]

    @classmethod
    def setUpClass(cls):
        for place, address, port in (([], NODE, SSH), ([], NODE, SWARM),
                                     (cls.other, "0.0.0.0", SWARM)):
            process = server(place, address, port)
            cls.addClassCleanup(process.stdout.close)
            cls.addClassCleanup(process.wait)
            cls.addClassCleanup(process.kill)

    def reaches(self, here, port):
        """Whether a connection to the node succeeds."""
        return run(*self.other, "python3", "-c", CLIENT, NODE, str(port), here).returncode == 0

    def reached(self, there):
        """Whether a connection from the node succeeds."""
        return run("python3", "-c", CLIENT, there, str(SWARM), NODE).returncode == 0


class Partition(Network):
    def test_partition(self):
        for way in ("both", "in", "out"):
            with self.subTest(way):
                done = script("host_fault_partition", others4=f"{OTHER}, 10.77.0.13", way=way,
                              others6="fd00::13", port=SSH)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertFalse(self.reaches(OTHER, SWARM))
                self.assertFalse(self.reached(OTHER))
                self.assertTrue(self.reaches(OTHER, SSH), "the controller may use the other node")
                self.assertTrue(self.reaches(CONTROLLER, SWARM))
                self.assertTrue(self.reached(CONTROLLER))
                chains = run("nft", "list", "table", "inet", "hadeploy_fault").stdout
                self.assertEqual("from_others" in chains, way != "out")
                self.assertEqual("to_others" in chains, way != "in")
                for _ in range(2):
                    done = script("host_fault_partition_undo")
                    self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(self.reaches(OTHER, SWARM))
                self.assertTrue(self.reached(OTHER))


class Latency(Network):
    def seconds(self, there):
        begun = time.monotonic()
        self.assertTrue(self.reached(there))
        return time.monotonic() - begun

    def test_latency(self):
        usual = min(self.seconds(OTHER) for _ in range(5))
        done = script("host_fault_netem", others=f"{OTHER} 10.77.0.13", port=SSH,
                      netem="delay 700ms 1ms")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(self.seconds(OTHER), usual + 0.6)
        self.assertLess(min(self.seconds(CONTROLLER) for _ in range(5)), usual + 0.6)
        for _ in range(2):
            done = script("host_fault_netem_undo")
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(min(self.seconds(OTHER) for _ in range(5)), usual + 0.6)

    def test_own_traffic_control(self):
        run("tc", "qdisc", "add", "dev", "eth7", "root", "handle", "1:", "prio")
        done = script("host_fault_netem", others=OTHER, port=SSH, netem="delay 1ms")
        self.assertIn("eth7 already has its own traffic control", done.stderr)
        self.assertEqual(script("host_fault_netem_undo").returncode, 0)
        self.assertIn("prio 1:", run("tc", "qdisc", "show", "dev", "eth7").stdout)
        run("tc", "qdisc", "del", "dev", "eth7", "root")


def possible(kind):
    probe = "nft list tables" if kind == "partition" else (
        "tc qdisc add dev lo root handle 1: prio bands 4 && "
        "tc qdisc add dev lo parent 1:4 netem delay 1ms && tc qdisc del dev lo root")
    return run("sh", "-c", probe).returncode == 0


if __name__ == "__main__":
    KIND = sys.argv.pop(1)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if "HADEPLOY_APART" not in os.environ:
        if run("unshare", "-mn", "true").returncode != 0:
            print("SKIPPED: no network namespaces")
            sys.exit(77)
        os.environ["HADEPLOY_APART"] = "1"
        os.execvp("unshare", ["unshare", "-mn", sys.executable, __file__, KIND])
    if not possible(KIND) or not in_namespaces():
        print(f"SKIPPED: the tool is missing, or the kernel lacks a module for {KIND}")
        sys.exit(77)
    unittest.main(defaultTest=KIND.capitalize())
