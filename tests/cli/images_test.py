#!/usr/bin/env python3
"""`hadeploy images` and `clean`: the real program against real sshds with a fake Docker (fake_swarm.py says what that
does not cover).

usage: images_test.py HADEPLOY
"""
import json
import os
import sys

import fake_swarm
from fake_swarm import SwarmProject
from terminal import talk

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"


def sha(letter):
    return "sha256:" + letter * 64


def image(letter, *tags, digests=(), size=1 << 20):
    return {"id": sha(letter), "tags": list(tags), "digests": list(digests), "size": size}


class ImagesTest(SwarmProject):
    def setUp(self):
        super().setUp()
        self.write_spec()
        self.hadeploy("apply", "--auto-approve")
        hosts = self.connections()
        self.record(
            ("app", "docker.stack", {
                "hosts": {"node1": hosts["node1"]}, "name": "shop",
                "services": {"web": {"image": sha("a")}, "proxy": {"image": f"nginx:1.27@{sha('d')}"},
                             "cache": {"image": "redis"}}}),
            ("image", "docker.image", {"host": hosts["node1"], "id": sha("a"), "tag": "shop/web:2"}),
            ("site", "docker.compose", {"host": hosts["node2"], "name": "site",
                                        "services": {"front": {"image": "reg.example:5000/front:1"}}}))
        self.change_cluster(
            images={
                "node1": [image("a", "shop/web:2", size=5 << 20), image("b", "shop/web:1", size=4 << 20),
                          image("c", digests=[f"nginx@{sha('d')}"]), image("e", "redis:latest"),
                          image("f", "redis:6", "redis:old"), image("1", "hadeploy/logger:1"),
                          image("2", "shop/web:0", "mine:1"), image("3", "other:1"), image("4"), image("5"),
                          image("6", "redis:5")],
                "node2": [image("7", "reg.example:5000/front:1"), image("8", "reg.example:5000/front:0"),
                          image("9", "shop/web:1")]},
            containers={"node1": [
                self.container("run", "shop_web.1.x", sha("a"), "running", "shop"),
                self.container("old", "shop_web.1.y", sha("5"), "exited", "shop"),
                self.container("older", "shop_web.1.z", sha("b"), "exited", "shop"),
                self.container("his", "mine", sha("6"), "exited", "")]})
        self.calls()

    def container(self, name, task, of, state, stack):
        labels = {"com.docker.stack.namespace": stack} if stack else None
        return {"id": name, "name": "/" + task, "image": of, "state": state, "labels": labels, "status": ""}

    def test_images(self):
        nginx = f"nginx@{sha('d')}"
        rows = [("NODE", "IMAGE", "ID", "SIZE", "USED BY"),
                ("node1", "<none>", "4" * 12, "1 MiB", "unused"),
                ("node1", "<none>", "5" * 12, "1 MiB", "container shop_web.1.y"),
                ("node1", "hadeploy/logger:1", "1" * 12, "1 MiB", "unused"),
                ("node1", "mine:1", "2" * 12, "1 MiB", "unused"),
                ("node1", nginx, "c" * 12, "1 MiB", "app"),
                ("node1", "other:1", "3" * 12, "1 MiB", "unused"),
                ("node1", "redis:5", "6" * 12, "1 MiB", "container mine"),
                ("node1", "redis:6", "f" * 12, "1 MiB", "unused"),
                ("node1", "redis:latest", "e" * 12, "1 MiB", "app"),
                ("node1", "shop/web:1", "b" * 12, "4 MiB", "container shop_web.1.z"),
                ("node1", "shop/web:2", "a" * 12, "5 MiB", "app, image"),
                ("node2", "reg.example:5000/front:0", "8" * 12, "1 MiB", "unused"),
                ("node2", "reg.example:5000/front:1", "7" * 12, "1 MiB", "site"),
                ("node2", "shop/web:1", "9" * 12, "1 MiB", "unused")]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        expected = "".join("  ".join(c.ljust(w) for c, w in zip(row, [*widths, 0])) + "\n" for row in rows)
        said = self.hadeploy("images")
        self.assertEqual(said, expected + "7 images unused. `hadeploy clean` removes 6 images.\n")
        lines = [json.loads(line) for line in self.hadeploy("images", "--json").splitlines()]
        self.assertEqual([line["unused"] for line in lines], [row[4] == "unused" for row in rows[1:]])
        used = next(line for line in lines if line["id"] == sha("a"))
        self.assertEqual((used["used_by"], used["containers"], used["size"]),
                         (["app", "image"], [{"name": "shop_web.1.x", "state": "running"}], 5 << 20))

    def test_a_node_that_is_down(self):
        self.stop_node("node1")
        said = self.hadeploy("images", status=69)
        self.assertIn("reg.example:5000/front:0", said)
        self.assertIn("error: root@127.0.0.1", said)
        said = self.hadeploy("clean", "--auto-approve", status=1)
        self.assertIn("note: node1 is left out", said)
        self.assertIn("Removed 2 images (2 MiB).", said)

    def test_clean(self):
        shown = f"""  - node1: container shop_web.1.y
  - node1: container shop_web.1.z
  - node1: image <none> (1 MiB)
  - node1: image hadeploy/logger:1 (1 MiB)
  - node1: image redis:6 (1 MiB)
  - node1: image shop/web:1 (4 MiB)
  - node2: image reg.example:5000/front:0 (1 MiB)
  - node2: image shop/web:1 (1 MiB)

To remove: 2 containers and 6 images (9 MiB). Volumes stay.
"""
        before = self.read_cluster()
        self.assertEqual(self.hadeploy("clean", status=64), f"""{shown}\
error: clean needs approval, and there is no terminal to ask on
  hint: add --auto-approve
""")
        question = b'Remove all of this? Type "yes" to continue: '
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C.UTF-8"}
        argv = [PROGRAM, "--no-color", "clean"]
        self.assertEqual(talk(argv, [(question, b"no\n")], environment, self.project)[0], 1)
        self.assertEqual(self.read_cluster(), before)
        status, text = talk(argv, [(question, b"yes\n")], environment, self.project)
        self.assertIn(b"Removed 2 containers and 6 images (9 MiB).", text)
        self.assertEqual(status, 0)
        after = self.read_cluster()
        self.assertEqual([c["id"] for c in after["containers"]["node1"]], ["run", "his"])
        self.assertEqual({i["id"][-1] for i in after["images"]["node1"]}, set("ace2346"))
        self.assertEqual({i["id"][-1] for i in after["images"]["node2"]}, {"7"})
        for call in self.calls():
            self.assertNotRegex(call, "volume|prune|force|-v|-f ")
        self.assertEqual(self.hadeploy("clean"), "Removed nothing.\n")

    def test_what_is_in_use_by_then(self):
        """Between the list and the removal, somebody starts a container from an image."""
        docker = self.nodes["node2"].path / "bin" / "docker"
        before = docker.read_text()
        self.addCleanup(docker.write_text, before)
        docker.write_text(before.replace('elif words[:2] == ["image", "rm"]:',
                                         'elif words[:2] == ["image", "rm"] and "shop/web:1" in words:\n'
                                         '    fail("conflict: the image is in use")\n'
                                         'elif words[:2] == ["image", "rm"]:'))
        said = self.hadeploy("clean", "--auto-approve", status=1)
        self.assertEqual(said, "note: node2: the image shop/web:1 stays: conflict: the image is in use\n"
                               "Removed 2 containers and 5 images (8 MiB).\n")
        done = json.loads(self.hadeploy("clean", "--auto-approve", "--json", status=1))
        self.assertEqual([(o["node"], o["name"], o["removed"]) for o in done["objects"]],
                         [("node2", "shop/web:1", False)])


if __name__ == "__main__":
    fake_swarm.main(PROGRAM)
