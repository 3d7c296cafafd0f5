#!/usr/bin/env python3
"""Images from packages: the real program builds them with mmdebstrap from the apt sources of this machine, and sends
them to real sshds with a fake Docker (fake_swarm.py describes what that does not cover).

usage: image_packages_test.py HADEPLOY
"""
import hashlib
import json
import os
import pathlib
import shutil
import sys
import tarfile
import tempfile

import fake_swarm
from fake_swarm import SwarmProject

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
SUITES = ("bookworm", "trixie", "jammy", "noble")
INSTALLING = "installing the packages of the image (mmdebstrap)"
PACKING = "packing the image"


def suite():
    lines = pathlib.Path("/etc/os-release").read_text().splitlines()
    return next((line.partition("=")[2] for line in lines if line.startswith("VERSION_CODENAME=")), "")


class ImagePackagesTest(SwarmProject):
    def setUp(self):
        super().setUp()
        self.cache = pathlib.Path(tempfile.mkdtemp(prefix="cache-", dir=self.path))
        self.addCleanup(shutil.rmtree, self.cache, ignore_errors=True)
        (self.project / "page").write_text("one\n")

    def spec(self, install="[busybox-static]", base="none", run="", nodes=("node1", "node2")):
        self.write_spec("".join(f"""
  tool_{node}:
    type: docker.image
    host: ${{{node}.connection}}
    name: tool
    packages:
      suite: {suite()}
      base: {base}
      install: {install}
      files: {{/srv/page: {{source: page}}}}
      command: [/bin/busybox, httpd, -f, -h, /srv]
      {run and "run: " + json.dumps(run)}
""" for node in nodes))

    def run_it(self, *words, status=0, **environment):
        return self.hadeploy(*words, status=status,
                             env={**os.environ, "XDG_CACHE_HOME": str(self.cache), **environment})

    def apply(self, **options):
        return self.run_it("apply", "--auto-approve", **options)

    def images(self, node):
        return {tag: image["id"] for image in self.read_cluster()["images"].get(node, []) for tag in image["tags"]}

    def built(self):
        """The digests of the files in the cache, by their names."""
        files = sorted(self.cache.rglob("docker-images/*"))
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.suffix != ".lock"}

    def layer(self):
        """The entries of the only layer of packages, by name."""
        [layer] = self.cache.rglob("docker-images/*.layer")
        with tarfile.open(layer) as archive:
            return {entry.name: entry for entry in archive}

    def loads(self):
        return sorted(call.split(":")[0] for call in self.calls() if " load " in call)

    def test_built_once_and_only_if_a_host_lacks_it(self):
        self.spec()
        text = self.run_it("plan")
        self.assertIn("Plan: 2 to create, 3 to adopt", text)
        self.assertRegex(text, r"tag: hadeploy/tool:[0-9a-f]{16}\n")
        self.assertEqual(self.built(), {})  # a plan builds nothing
        text = self.apply()
        self.assertEqual((text.count(INSTALLING), text.count(PACKING)), (1, 1), text)
        self.assertEqual(self.loads(), ["node1", "node2"])
        there, files = self.images("node1"), self.built()
        self.assertEqual(there, self.images("node2"))
        self.assertEqual(sorted(pathlib.Path(name).suffix for name in files), [".layer", ".tar"])

        self.assertIn("Nothing to change", self.run_it("plan", "--detailed-exitcode"))
        self.assertNotIn(INSTALLING, self.apply())
        self.assertEqual((self.loads(), self.built()), ([], files))

        # a host that lost the image gets it from the cache
        self.change_cluster(images={"node1": self.read_cluster()["images"]["node1"]})
        text = self.apply()
        self.assertNotIn(PACKING, text)
        self.assertEqual((self.loads(), self.images("node2")), (["node2"], there))

        # without the cache the same bytes are built, so the nodes still agree
        shutil.rmtree(self.cache)
        self.change_cluster(images={"node1": self.read_cluster()["images"]["node1"]})
        self.assertIn(INSTALLING, self.apply())
        self.assertEqual((self.built(), self.images("node2")), (files, there))

        # another content of a file is another image, whose packages are not installed again
        (self.project / "page").write_text("two\n")
        text = self.apply()
        self.assertEqual((text.count(INSTALLING), text.count(PACKING)), (0, 1), text)
        self.assertEqual((len(self.images("node1")), self.images("node1")), (2, self.images("node2")))
        self.run_it("clean", "--auto-approve")  # the earlier image
        self.assertEqual((len(self.images("node1")), self.images("node1").keys() & there.keys()), (1, set()))
        self.run_it("destroy", "--auto-approve")
        self.assertEqual((self.images("node1"), self.images("node2")), ({}, {}))

    def test_installation_scripts_give_the_same_bytes(self):
        """With a base, a package whose scripts create a user, and commands of the spec."""
        self.spec("[haproxy]", base="essential", nodes=["node1"],
                  run="useradd --system app\ninstall -d -o app \"/var/lib/it's mine\"\nreadlink /proc/self/exe >/self\n")
        self.apply()
        first = self.built()
        entries = {name.removeprefix("./"): entry for name, entry in self.layer().items()}
        self.assertGreater(entries["var/lib/it's mine"].uid, 0)
        self.assertIn("self", entries)
        self.assertNotIn(".hadeploy-run", entries)
        with tempfile.TemporaryDirectory(dir=self.path) as other:
            self.cache = pathlib.Path(other)
            self.change_cluster(images={})
            self.apply()
            self.assertEqual(self.built(), first)

    def test_errors_of_a_build(self):
        self.spec("[no-such-package]", nodes=["node1"])
        text = self.apply(status=1)
        self.assertIn("cannot build the image", text)
        self.assertIn("no-such-package", text)
        self.assertIn("`apt-cache policy PACKAGE` shows whether", text)
        self.assertEqual((self.loads(), self.built()), ([], {}))
        self.spec(base="essential", nodes=["node1"], run="echo one\nls /no-such-file\necho three\n")
        text = self.apply(status=1)
        self.assertIn("cannot access '/no-such-file'", text)
        self.assertIn("error: `run` failed with status 2", text)
        self.assertIn("hint: `run` runs with `sh -eu`", text)
        self.assertEqual(text.count("three"), 1, text)  # in the plan
        self.assertEqual((self.loads(), self.built()), ([], {}))
        tools = self.path / "tools"
        tools.mkdir(exist_ok=True)
        for name in ("bash", "apt-get", "dpkg", "ssh"):
            (tools / name).symlink_to(shutil.which(name))
        text = self.apply(status=1, PATH=str(tools))
        self.assertIn("'mmdebstrap' is missing; install it (apt-get install mmdebstrap)", text)


if __name__ == "__main__":
    if suite() not in SUITES or not shutil.which("mmdebstrap"):
        print("SKIPPED: needs mmdebstrap, and Debian or Ubuntu")
        raise SystemExit(77)
    fake_swarm.main(PROGRAM)
