#!/usr/bin/env python3
"""examples/ha-web without machines: validate and plan, on the simulated driver of libvirt, and the real
programs check the configurations in the plan.

usage: ha_web_test.py HADEPLOY [unittest options]
"""
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import unittest

import skips
from command_case import SOURCE, Case


def write_image(path):
    """The smallest archive that docker.image accepts."""
    config = b"{}"
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": ["hello:test"], "Layers": []}]).encode()
    with tarfile.open(path, "w") as archive:
        for member, content in (("manifest.json", manifest), (name, config)):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


class HaWebTest(Case):
    def setUp(self):
        super().setUp()
        for folder in ("examples/ha-web", "modules/ha-web"):
            shutil.copytree(SOURCE / folder, self.path / folder, ignore=shutil.ignore_patterns(".hadeploy"))
        self.project = self.path / "examples" / "ha-web"
        write_image(self.path / "hello.tar")
        self.environment["HADEPLOY_VAULT_PASSWORD"] = "example"

    def plan(self, *words):
        text = self.out("plan", "--json", "--var", "libvirt_uri=test:///default", "--var",
                        f"image={self.path}/hello.tar", *words, cwd=self.project)
        return json.loads(text.splitlines()[-1])

    def steps(self, plan):
        return {step["address"].removeprefix("module.web."): step for step in plan["steps"]}

    def content(self, address):
        return self.steps(self.plan())[address]["after"]["content"]

    def test_validate(self):
        image = self.project.parents[1] / "build" / "release" / "images"
        image.mkdir(parents=True)
        write_image(image / "hello.tar")
        self.out("validate", cwd=self.project)

    def test_plan(self):
        plan = self.plan()
        self.assertEqual({a: n for a, n in plan["counts"].items() if n}, {"create": 82})
        self.assertEqual(plan["warnings"], [])
        steps = self.steps(plan)
        # each server in each balancer, on the balancer's machine
        pairs = {f"{s}/{b}" for s in "abc" for b in "abc"}
        self.assertEqual({a for a in steps if a.startswith("server[")},
                         {f'server["web-{p[0]}/web-{p[2]}"]' for p in pairs})
        self.assertEqual(steps["user"]["after"]["password"], "(secret)")
        self.assertNotIn("an-example-password", json.dumps(plan))

    @unittest.skipUnless(shutil.which("haproxy"), "needs haproxy")
    def test_haproxy_accepts_its_configuration(self):
        file = self.path / "haproxy.cfg"
        text = self.content('balancer["web-a"]')
        self.assertIn("server web-b 10.78.0.12:3306 backup\n", text)
        # this machine need not have the user and the directories of the package
        file.write_text(text.replace("    user haproxy\n    group haproxy\n", "")
                        .replace("/var/lib/haproxy", str(self.path)).replace("/run/haproxy", str(self.path)))
        done = subprocess.run(["haproxy", "-c", "-f", file], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("keepalived"), "needs root and keepalived")
    def test_keepalived_accepts_its_configuration(self):
        template = SOURCE / "modules" / "ha-web" / "keepalived.conf.tmpl"
        spec = "name: t\noutputs:\n  text: |\n    ${templatefile(\"" + str(template) + "\", {" \
            "interface: \"eth0\", own: \"10.0.0.1\", peers: [\"10.0.0.2\", \"10.0.0.3\"], " \
            "priority: 150, router: 51, address: \"10.0.0.9/24\"})}\n"
        self.spec(spec)
        self.apply()
        file = self.path / "keepalived.conf"
        file.write_text(self.out("output", "text"))
        done = subprocess.run(
            ["unshare", "-n", "sh", "-c", "ip link add eth0 type veth peer name peer && ip link set eth0 up && "
             'ip address add 10.0.0.1/24 dev eth0 && keepalived -t -f "$0"', file],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    skips.main()
