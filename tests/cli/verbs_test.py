#!/usr/bin/env python3
"""The table of verbs in docs/how-to/day-two.md, and `hadeploy scale`: the real program against real sshds with a fake
Docker (fake_swarm.py says what that does not cover). A file stands for the membership in the swarm, and another one for
the data; `ab` is a program that only prints.

usage: verbs_test.py HADEPLOY
"""
import json
import os
import pathlib
import re
import sys

import fake_swarm
from fake_swarm import SwarmProject
from terminal import talk

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "how-to" / "day-two.md"
# of the five systems that the documentation compares
VERBS = {"deploy", "update", "info", "scale", "logs", "remove", "build", "up", "down", "status", "images", "clean",
         "swarm", "testing", "benchmark"}

STACK = {"version": "3.8", "services": {
    "web": {"image": "shop/web:1", "deploy": {"replicas": "${WEB_REPLICAS}"}},
    "cache": {"image": "redis:7", "deploy": {"replicas": 1}},
    "agent": {"image": "agent:1", "deploy": {"mode": "global"}}}}


class VerbsTest(SwarmProject):
    def setUp(self):
        super().setUp()
        self.data = self.path / "data"
        self.addCleanup(self.data.unlink, missing_ok=True)
        (self.project / "stack.yml").write_text(json.dumps(STACK, indent=1))
        self.write_spec(f"""
  swarm: {{type: host.file, host: "${{node1.connection}}", path: {self.path}/swarm, content: member}}
  written: {{type: host.file, host: "${{node1.connection}}", path: {self.data}, content: "what users wrote"}}
  archive: {{type: local.exec, create: "echo built >>built"}}
  app:
    type: docker.stack
    hosts: {{node1: "${{node1.connection}}", node2: "${{node2.connection}}"}}
    name: shop
    compose: stack.yml
    variables: {{WEB_REPLICAS: "${{var.web_replicas}}"}}
    wait: 0s
    depends_on: [swarm, archive]
""", "{web_replicas: {type: integer, default: 2, max: 20}, other: {type: integer, default: 2}}")

    def running(self):
        self.change_cluster(
            images={"node1": [{"id": "sha256:" + "a" * 64, "tags": ["shop/web:1"], "digests": [], "size": 1},
                              {"id": "sha256:" + "b" * 64, "tags": ["shop/web:0"], "digests": [], "size": 1}]},
            containers={"node2": [{
                "id": "c1", "name": "/shop_web.1.x", "state": "running", "status": "Up 1 minute", "image": "i",
                "labels": {"com.docker.swarm.service.name": "shop_web",
                           "com.docker.swarm.task.name": "shop_web.1.x"}}]})
        for name in ("web", "cache", "agent"):
            (self.shared / "logs" / f"shop_{name}").write_text(
                f"2026-11-21T12:00:00.000000000Z shop_{name}.1@node2    | started\n")
        (self.nodes["node2"].path / "bin" / "ab").write_text("#!/bin/sh\necho \"ab $*: 0 failed\"\n")
        (self.nodes["node2"].path / "bin" / "ab").chmod(0o755)

    def commands(self):
        rows = re.findall(r"^\| `(\w+)` \| `hadeploy ([^`]+)` \|", TABLE.read_text(), re.M)
        self.assertEqual({verb for verb, _ in rows}, VERBS)
        return dict(rows)

    def run_verb(self, verb):
        words = self.commands()[verb].replace("APP", "app").replace("IMAGE", "archive").replace("SWARM", "swarm").split()
        if words[0] in ("apply", "destroy", "scale", "clean"):
            words.append("--auto-approve")
        return self.hadeploy(*words)

    def replicas(self, service="web"):
        return self.read_cluster()["services"][f"shop_{service}"]["Spec"]["Mode"]["Replicated"]["Replicas"]

    def test_each_verb_of_the_table(self):
        self.assertIn("1 created", self.run_verb("build"))
        self.assertEqual((self.project / "built").read_text(), "built\n")
        self.assertIn("created", self.run_verb("swarm"))
        self.assertIn("Nothing to change", self.run_verb("swarm"))
        self.assertIn("app", self.run_verb("deploy"))
        self.running()
        self.assertEqual(self.replicas(), 2)
        self.assertIn("Nothing to change", self.run_verb("testing"))
        compose = self.project / "stack.yml"
        compose.write_text(compose.read_text().replace("redis:7", "redis:8"))
        self.assertIn("1 changed", self.run_verb("update"))
        for verb in ("info", "status"):
            self.assertIn(" 2/2     shop_web\n", self.run_verb(verb))
        self.assertIn("1 changed", self.run_verb("scale"))
        self.assertEqual(self.replicas(), 3)
        self.assertIn("shop_web.1@node2   | started\n", self.run_verb("logs"))
        self.assertIn("ab -n 1000 -c 10 http://localhost/: 0 failed", self.run_verb("benchmark"))
        self.assertRegex(self.run_verb("images"), r"shop/web:1 .* app\n")
        self.assertEqual(self.run_verb("clean"), "Removed 1 image (1 B).\n")
        for down in ("down", "remove"):
            self.run_verb(down)
            after = self.read_cluster()
            self.assertEqual((after["services"], after["configs"]), ({}, []))
            self.assertEqual(self.data.read_text(), "what users wrote")
            self.assertIn("swarm\n", self.hadeploy("state", "list"))
            self.assertEqual(len(after["nodes"]), 3)
            self.run_verb("up")
            self.assertEqual(self.replicas(), 3)
        self.assertIn("Nothing to change", self.hadeploy("plan"))

    def spec(self):
        return (self.project / "hadeploy.yaml").read_text()

    def test_scale_changes_the_default(self):
        self.hadeploy("apply", "--auto-approve")
        before = self.spec()
        said = self.hadeploy("scale", "web=5", "--auto-approve")
        self.assertIn("hadeploy.yaml: web_replicas changes from 2 to 5\n", said)
        self.assertEqual(self.spec(), before.replace("{type: integer, default: 2, max", "{type: integer, default: 5, max"))
        self.assertEqual(self.replicas(), 5)
        self.assertIn("Nothing to change", self.hadeploy("plan"))
        cluster = self.read_cluster()  # somebody scales by hand: the same number again restores it
        cluster["services"]["shop_web"]["Spec"]["Mode"]["Replicated"]["Replicas"] = 1
        self.cluster(**cluster)
        self.hadeploy("scale", "shop_web=5", "--auto-approve")
        self.assertEqual(self.replicas(), 5)
        self.hadeploy("scale", "web=0", "--auto-approve")
        self.assertEqual(self.replicas(), 0)

    def test_scale_changes_the_file_of_variables(self):
        (self.project / "site.yaml").write_text("# here\nweb_replicas: 3 # two more\nother: 3\n")
        self.hadeploy("apply", "--auto-approve", "--var-file", "site.yaml")
        before = self.spec()
        self.hadeploy("scale", "web=12", "--auto-approve", "--var-file", "site.yaml")
        self.assertEqual((self.project / "site.yaml").read_text(), "# here\nweb_replicas: 12 # two more\nother: 3\n")
        self.assertEqual(self.spec(), before)
        self.assertIn("Nothing to change", self.hadeploy("plan", "--var-file", "site.yaml"))

    def test_scale_that_is_not_approved(self):
        self.hadeploy("apply", "--auto-approve")
        before = self.spec()
        self.assertIn("needs approval", self.hadeploy("scale", "web=3", status=64))
        self.assertEqual(self.spec(), before)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C.UTF-8"}
        question = b'Make these changes? Type "yes" to continue: '
        status, text = talk([PROGRAM, "--no-color", "scale", "web=3"], [(question, b"no\n")], environment, self.project)
        self.assertEqual(status, 1, text)
        self.assertEqual((self.spec(), self.replicas()), (before, 2))

    def test_scale_that_fails_halfway(self):
        """The file keeps the new number, because a change was begun; the next apply completes it."""
        self.hadeploy("apply", "--auto-approve")
        docker = self.nodes["node1"].path / "bin" / "docker"
        whole = docker.read_text()
        self.addCleanup(docker.write_text, whole)
        docker.write_text(whole.replace('elif words[:2] == ["stack", "deploy"]:', """elif words[:2] == ["stack", "deploy"]:
    fail("no space left on device")
elif words[:2] == ["stack", "never"]:"""))
        said = self.hadeploy("scale", "web=4", "--auto-approve", status=1)
        self.assertIn("hadeploy.yaml keeps the new number 4: `hadeploy apply --target app` completes the change", said)
        self.assertIn("{type: integer, default: 4, max", self.spec())
        docker.write_text(whole)
        self.hadeploy("apply", "--target", "app", "--auto-approve")
        self.assertEqual(self.replicas(), 4)

    def test_what_cannot_be_scaled(self):
        self.hadeploy("apply", "--auto-approve")
        before = self.spec()

        def refused(expected, *words, status):
            self.assertIn(expected, self.hadeploy("scale", *words, "--auto-approve", status=status))
            self.assertEqual((self.spec(), self.replicas()), (before, 2))

        for number in ("-1", "", "x", "1.5", "1000001", "0x3"):
            refused("is not a number of tasks", f"web={number}", status=64)
        refused("scale needs SERVICE=N", "web", status=64)
        refused('did you mean "web"?', "wen=3", status=64)
        refused("shop_agent is a global service", "agent=3", status=64)
        line = next(i for i, l in enumerate((self.project / "stack.yml").read_text().splitlines(), 1)
                    if '"replicas": 1' in l)
        refused(f'no variable of the spec sets the replicas of shop_cache: stack.yml:{line} has "1"', "cache=3",
                status=1)
        refused("error: var.web_replicas: 21 is above the maximum of 20\n", "web=21", status=65)
        refused("the value of web_replicas is given by --var web_replicas", "web=3", "--var", "web_replicas=2",
                status=64)


if __name__ == "__main__":
    fake_swarm.main(PROGRAM)
