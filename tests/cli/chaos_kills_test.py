#!/usr/bin/env python3
"""SIGKILL and Ctrl-C of `hadeploy chaos` in the middle of each fault: the undo is armed, and afterwards the fault
is gone. Nodes are real sshds in mount namespaces, libvirt is its test driver, and the programs that the
faults use are stand-ins that note their effect in a file. fault_network_test.py runs the real nft and tc,
and tests/e2e/ha_demo_test.py the same story on virtual machines.

usage: chaos_kills_test.py HADEPLOY
"""
import json
import os
import signal
import subprocess
import sys
import time

import chaos_project

UUID = "33333333-3333-4333-8333-333333333333"
NODE_XML = f"""<node><domain type="test">
  <name>node2</name><uuid>{UUID}</uuid><memory>8192</memory><os><type>hvm</type></os>
</domain></node>"""

# The stand-ins; each effect is a file in the directory EFFECTS.
TOOLS = {
    "nft": """case $1 in
-f) cat >EFFECTS/rules; touch EFFECTS/partition ;;
delete) rm EFFECTS/partition ;;
esac""",
    "ip": "echo \"$4 dev eth0 src 10.0.0.1\"",
    "tc": """case "$1 $2" in
"qdisc add") touch EFFECTS/netem ;;
"qdisc del") rm EFFECTS/netem ;;
"qdisc show") if [ -e EFFECTS/netem ] && [ $# = 2 ]; then echo "qdisc prio fa17: dev eth0 root"; fi ;;
esac""",
    "systemctl": """case $1 in
stop) touch EFFECTS/docker-stopped ;;
start) rm EFFECTS/docker-stopped ;;
esac""",
    "systemd-run": """while [ "$1" != sh ]; do shift; done
setsid "$@" </dev/null >/dev/null 2>&1 3>&- &""",
    "docker": """case "$1 $2" in
"node update") case $4 in drain) touch EFFECTS/drained ;; active) rm -f EFFECTS/drained ;; esac ;;
"ps -q") echo container ;;
inspect*) sleep 600 >/dev/null 2>&1 & echo $! ;;
esac""",
    "pgrep": "[ ! -e EFFECTS/brick-killed ]",
    "pkill": "touch EFFECTS/brick-killed",
    "gluster": """case $* in
*info) printf 'Volume Name: vol0\\nStatus: Started\\n' ;;
*"start vol0 force") rm -f EFFECTS/brick-killed ;;
esac""",
}
VIRSH = f"""#!/bin/sh
case $* in
"-q list"*) echo {UUID} ;;
*domstate*) if [ -e EFFECTS/state ]; then cat EFFECTS/state; else echo running; fi ;;
"-q start"* | "-q resume"*) echo running >EFFECTS/state; echo "$2" >>EFFECTS/virsh ;;
esac
"""


class KillsTest(chaos_project.ChaosProject):
    @classmethod
    def setUpClass(cls):
        cls.providers = "providers: {libvirt: {uri: 'test:///tmp/none.xml'}}\n"
        super().setUpClass()
        (cls.path / "node.xml").write_text(NODE_XML)
        spec = cls.path / "hadeploy.yaml"
        spec.write_text(spec.read_text().replace("/tmp/none.xml", str(cls.path / "node.xml")))
        cls.effects = cls.path / "effects"
        cls.effects.mkdir()
        (cls.path / "programs").mkdir()
        virsh = cls.path / "programs" / "virsh"
        virsh.write_text(VIRSH.replace("EFFECTS", str(cls.effects)))
        virsh.chmod(0o755)
        cls.environment = os.environ | {"PATH": f"{cls.path / 'programs'}:{os.environ['PATH']}"}
        cls.record_machine()

    @classmethod
    def record_machine(cls):
        """Records node2's machine: a libvirt.domain with the address of the nodes' connections."""
        hadeploy = lambda *words: subprocess.run([cls.program, "state", *words], cwd=cls.path, check=True,
                                                 capture_output=True, text=True, timeout=120).stdout
        state = json.loads(hadeploy("pull"))
        first = state["resources"][0]
        attributes = {"name": "node2", "connection": first["attributes"]["connection"]}
        state["resources"].append(first | {"address": "vm", "type": "libvirt.domain", "config": attributes,
                                           "attributes": attributes, "depends_on": [], "identity": UUID})
        state["serial"] += 1
        (cls.path / "pushed.json").write_text(json.dumps(state))
        hadeploy("push", "--edited", "pushed.json")

    def setUp(self):
        super().setUp()
        for effect in self.effects.iterdir():
            effect.unlink()
        for machine in self.machines.values():
            for name, text in TOOLS.items():
                machine.tool(name, text.replace("EFFECTS", str(self.effects)) + "\n")

    def tearDown(self):
        self.chaos("halt")  # what a failed test left

    def has(self, effect):
        return (self.effects / effect).exists()

    def wait_for(self, effect, there=True):
        for _ in range(300):
            if self.has(effect) == there:
                return
            time.sleep(0.1)
        self.fail(f"{effect} is {'not ' if there else 'still '}there")

    def killed_and_interrupted(self, effect, *words):
        """The effect is there during the fault, and gone after its end in both ways."""
        kind = words[0].removeprefix("--")
        self.start_and_kill(*words)
        self.wait_for(effect)
        self.assertEqual(self.listed(), [("node2", kind, True)])
        self.assertEqual(self.chaos("halt"), f"ended: {kind} of node2\n")
        self.assertFalse(self.has(effect))
        self.assertEqual(self.listed(), [])
        drill = self.start(*words)
        self.wait_for(effect)
        drill.send_signal(signal.SIGINT)
        text = drill.communicate(timeout=120)[0]
        self.assertEqual(drill.returncode, 130, text)
        self.assertIn("INTERRUPTED", text)
        self.assertFalse(self.has(effect))
        self.assertEqual(self.listed(), [])

    def test_partition(self):
        self.killed_and_interrupted("partition", "--partition", "node2")

    def test_latency(self):
        self.killed_and_interrupted("netem", "--latency", "node2")

    def test_loss(self):
        self.killed_and_interrupted("netem", "--loss", "node2")

    def test_kill_brick(self):
        self.killed_and_interrupted("brick-killed", "--kill-brick", "node2")

    def test_drain(self):
        self.killed_and_interrupted("drained", "--drain", "node2", "--handover", "0s")

    def inside(self, *words):
        """Runs a program in node2's mount namespace."""
        done = subprocess.run(["nsenter", "-t", str(self.machines["node2"].process.pid), "-m", *words],
                              check=True, capture_output=True, text=True, timeout=60)
        return done.stdout

    def test_stop_docker(self):
        self.inside("mkdir", "-p", "/run/systemd/system")
        self.addCleanup(self.inside, "rmdir", "/run/systemd/system")
        self.killed_and_interrupted("docker-stopped", "--stop-docker", "node2")

    def test_kill_service(self):
        """The swarm starts another task: only the record has to go."""
        words = ("--kill-service", "node2", "--service", "app_web")
        self.start_and_kill(*words)
        self.assertEqual(self.chaos("halt"), "ended: kill-service of node2\n")
        drill = self.start(*words)
        drill.send_signal(signal.SIGINT)
        text = drill.communicate(timeout=120)[0]
        self.assertEqual(drill.returncode, 130, text)
        self.assertEqual(self.listed(), [])

    def test_fill_disk(self):
        """The file has no name: its space is free again when the keeper has ended."""
        self.inside("mkdir", "-p", "/run/full")
        self.inside("mount", "-t", "tmpfs", "-o", "size=64m", "none", "/run/full")
        free = lambda: int(self.inside("stat", "-f", "-c", "%f", "/run/full")) * 4096 >> 20

        def wait_until_free(size):
            for _ in range(100):
                if free() == size:
                    return
                time.sleep(0.1)
            self.assertEqual(free(), size)

        for stop in (signal.SIGKILL, signal.SIGINT):
            with self.subTest(stop):
                drill = self.start("--fill-disk", "node2", "--path", "/run/full")
                wait_until_free(16)
                drill.send_signal(stop)
                drill.communicate(timeout=120)
                if stop == signal.SIGKILL:
                    self.assertEqual(self.chaos("halt"), "ended: fill-disk of node2\n")
                wait_until_free(64)
                self.assertEqual(self.listed(), [])

    def power(self, kind, state):
        """The undo starts or resumes the machine, which is in this state then."""
        for stop in (signal.SIGKILL, signal.SIGINT):
            with self.subTest(stop):
                drill = self.start(f"--{kind}", "node2")
                (self.effects / "state").write_text(state + "\n")
                drill.send_signal(stop)
                text = drill.communicate(timeout=120)[0]
                if stop == signal.SIGKILL:
                    self.assertEqual(self.listed(), [("node2", kind, True)])
                    self.assertEqual(self.chaos("halt"), f"ended: {kind} of node2\n")
                else:
                    self.assertEqual(drill.returncode, 130, text)
                self.assertEqual((self.effects / "state").read_text(), "running\n")
                self.assertEqual(self.listed(), [])
        return (self.effects / "virsh").read_text().split() if self.has("virsh") else []

    def test_kill(self):
        self.assertEqual(self.power("kill", "shut off"), ["start", "start"])

    def test_reboot(self):
        self.assertEqual(self.power("reboot", "shut off"), ["start", "start"])
        self.assertEqual(self.power("reboot", "running"), ["start", "start"])

    def test_pause(self):
        self.assertEqual(self.power("pause", "paused"), ["resume", "resume"])


if __name__ == "__main__":
    chaos_project.main(os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy")
