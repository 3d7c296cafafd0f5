#!/usr/bin/env python3
"""`hadeploy chaos` against three nodes: real sshds in mount namespaces with a fake Docker. Faults that are
refused, that are left behind by SIGKILL, listed and ended.

usage: chaos_test.py HADEPLOY
"""
import json
import os
import sys

import chaos_project


class ChaosTest(chaos_project.ChaosProject):
    def test_unknown_node(self):
        self.refused("error: latency of nod2 is refused: the swarm has no node with this name\n"
                     "  hint: did you mean node2?\n", "--latency", "nod2")

    def test_quorum(self):
        self.swarm(down="node3")
        self.refused(
            "error: partition of node2 is refused: without it only 1 of 3 managers would be left, but "
            "the quorum needs 2 (down: node3)\n"
            "  hint: start the other managers first, or use --force to inject the fault anyway\n",
            "--partition", "--leader")

    def test_power_of_a_machine_of_somebody_else(self):
        self.refused("error: kill of node2 is refused: the node is not a libvirt.domain of this "
                     "project\n  hint: hadeploy cannot switch other machines off or on\n",
                     "--kill", "node2")

    def test_halt_without_faults(self):
        self.assertEqual(self.chaos("halt"), "No fault is active.\n")

    def on_node2(self, cause):
        """The whole text of an error before the fault."""
        return (f"^error: arming the undo failed on root@127\\.0\\.0\\.1:{self.machines['node2'].port}: "
                f"{cause} \\(exit status 1\\)\n$")

    def test_fill_disk_beyond_the_disk(self):
        text = self.chaos("--fill-disk", "node2", "--size", "900 TiB", "--progress", "quiet", status=1)
        self.assertRegex(text, self.on_node2(r"/var has space for at most \d+ MiB, because 16 MiB stay free"))
        self.assertEqual(self.listed(), [])

    def test_undo_that_cannot_be_armed(self):
        self.machines["node2"].tool("setsid", "exit 1\n")
        text = self.chaos("--fill-disk", "node2", "--size", "1 MiB", "--progress", "quiet", status=1)
        self.assertRegex(text, self.on_node2("the undo cannot be armed"))
        self.assertEqual(self.listed(), [])

    def test_killed_drill_second_fault_and_halt(self):
        self.start_and_kill("--fill-disk", "node2", "--size", "1 MiB")
        self.assertEqual(self.listed(), [("node2", "fill-disk", True)])
        text = self.chaos("list")
        self.assertRegex(text, r"^node2 +fill-disk +active for .*  undo in 11 min \d+ s\n$")
        self.assertEqual(
            self.chaos("--loss", "node2", status=1),
            "error: loss of node2 is refused: the node already has a fault: fill-disk\n"
            "  hint: end it first: hadeploy chaos halt\n")
        self.assertEqual(self.chaos("halt"), "ended: fill-disk of node2\n")
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.chaos("halt"), "No fault is active.\n")

    def test_a_whole_drill(self):
        text = self.chaos("--fill-disk", "--random", "--seed", "3", "--size", "1 MiB", "--json")
        report = json.loads(text.splitlines()[-1])
        self.assertTrue(report["passed"], text)
        self.assertIn(report["faults"][0]["node"], self.machines)
        self.assertEqual(self.listed(), [])


if __name__ == "__main__":
    chaos_project.main(os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy")
