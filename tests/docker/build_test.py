#!/usr/bin/env python3
"""docker.image from a Dockerfile, on a real Docker.

usage: build_test.py HADEPLOY PROGRAMS [unittest options]
"""
import os
import subprocess

import object_case
from object_case import SERVER, Case

CACHE = ".cache/hadeploy/docker-images"


class BuildTest(Case):
    def setUp(self):
        super().setUp()
        self.environment.pop("XDG_CACHE_HOME", None)
        self.write("app/Dockerfile", "FROM busybox:1\nARG WORD=none\nCOPY . /app\nRUN echo $WORD >/word\n")
        self.write("app/page", "one\n")
        self.write("app/src/main.c", "int main;\n")

    def clear(self):
        super().clear()
        for tag in self.tags():
            SERVER.docker("rmi", "-f", tag)

    def tags(self):
        return [t for t in SERVER.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
                if t.startswith("hadeploy/")]

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def want(self, more="", name="app"):
        self.spec(f"  image: {{type: docker.image, host: HOST, name: {name}, build: {{context: app{more}}}}}\n")

    def run_in(self, *command):
        return SERVER.docker("run", "--rm", self.attribute("image", "tag"), *command)

    def test_built_and_built_again(self):
        self.want()
        self.assertNotIn("error", self.apply())
        first = self.attribute("image", "tag")
        self.assertRegex(first, "^hadeploy/app:[0-9a-f]{16}$")
        self.assertEqual(self.tags(), [first])
        self.assertEqual(self.attribute("image", "id"), SERVER.inspect("image", first)["Id"])
        self.assertEqual(self.run_in("cat", "/word", "/app/page", "/app/src/main.c"), "none\none\nint main;")
        self.settled()
        os.utime(self.path / "app/page", (1, 1))  # a different time is the same content
        self.settled()
        # each of these makes a different image; the previous one stays, for a rollback
        (self.path / "app/page").write_text("two\n")
        self.assertEqual(self.steps(), {"image": "create"})
        self.apply()
        self.assertEqual(self.run_in("cat", "/app/page"), "two")
        self.settled()
        self.want(", args: {WORD: \"it's\"}")
        self.apply()
        self.assertEqual(self.run_in("cat", "/word"), "it's")
        self.settled()
        # drift, and the end
        SERVER.docker("rmi", "-f", self.attribute("image", "tag"))
        self.assertEqual(self.steps(), {"image": "create"})
        self.apply()
        self.settled()
        last = self.attribute("image", "tag")
        self.assertEqual(len(self.tags()), 3)
        self.hadeploy("destroy", "--auto-approve")
        self.assertEqual((len(self.tags()), last in self.tags()), (2, False))

    def test_context(self):
        """Docker gets the files that its own client would send."""
        self.write("app/.dockerignore", "# comment\n.dockerignore\n*/*.o\nlogs\n!logs/keep\n**/tmp*\nDocker*\n")
        for name in ("src/a.o", "a.o", "logs/1", "logs/keep", "logs/deep/1", "tmp1", "src/x/tmp2", "ümlaut"):
            self.write(f"app/{name}", name)
        program = self.write("app/run", "#!/bin/sh\n")
        program.chmod(0o755)
        (self.path / "app/link").symlink_to("page")
        (self.path / "app/empty").mkdir()
        self.write("app/docker/file", "FROM busybox:1\nCOPY . /app\n")
        self.want(", dockerfile: docker/file")
        self.apply()
        ours = self.contents(self.attribute("image", "tag"))
        SERVER.docker("build", "-q", "-t", "hadeploy/theirs:1", "-f", f"{self.path}/app/docker/file",
                      f"{self.path}/app")
        self.assertEqual(ours, self.contents("hadeploy/theirs:1"))
        names = {line.split()[-1].removeprefix("app/") for line in ours}
        self.assertLessEqual({"a.o", "logs/keep", "run", "empty/", "docker/file"}, names)
        self.assertFalse({"src/a.o", "logs/1", "logs/deep/1", "tmp1", "src/x/tmp2", "Dockerfile"} & names, names)
        # an ignored file does not count
        self.write("app/logs/1", "changed")
        self.settled()
        program.chmod(0o644)
        self.assertEqual(self.steps(), {"image": "create"})

    def contents(self, image):
        """Mode, size and path of everything in /app."""
        box = SERVER.docker("create", image, "true")
        try:
            with subprocess.Popen(["docker", "export", box], stdout=subprocess.PIPE) as export:
                listed = subprocess.run(["tar", "-tv", "--quoting-style=literal"], stdin=export.stdout,
                                        capture_output=True, text=True, check=True).stdout
        finally:
            SERVER.docker("rm", box)
        rows = [line.split(maxsplit=5) for line in listed.splitlines()]
        return sorted(f"{row[0]} {row[1]} {row[2]} {row[5]}" for row in rows if row[5].startswith("app/"))

    def test_failures(self):
        self.write("app/Dockerfile", "FROM busybox:1\nRUN echo some-words; no-such-program\n")
        self.want()
        said = self.apply(status=1)
        self.assertIn("some-words", said)
        self.assertIn("no-such-program: not found", said)
        self.assertIn("returned a non-zero code: 127", said)
        self.assertEqual(self.tags() + SERVER.docker("ps", "-aq").split(), [])
        self.write("app/Dockerfile", "FROM 127.0.0.1:1/none:1\n")
        self.assertIn("127.0.0.1:1", self.apply(status=1))
        self.write("app/Dockerfile", "FROM scratch\nCOPY none /\n")
        self.assertIn("COPY failed: file not found in build context", self.apply(status=1))
        self.write("app/Dockerfile", "FRM scratch\n")
        self.assertIn("unknown instruction: FRM", self.apply(status=1))
        (self.path / "app/Dockerfile").unlink()
        said = self.hadeploy("plan", status=65)
        self.assertIn("has no file Dockerfile", said)
        self.want(", dockerfile: src/main.c")
        os.mkfifo(self.path / "app/pipe")
        self.assertIn("app/pipe in the build context is a FIFO", self.hadeploy("plan", status=65))

    def test_a_saved_plan_of_other_files(self):
        self.want()
        self.hadeploy("plan", "--out", "plan.bin")
        self.write("app/page", "changed\n")
        self.hadeploy("apply", "plan.bin", status=1)
        self.assertEqual(self.tags(), [])

    def test_built_here(self):
        """On this machine, which has the same Docker as the host: the cache has the image."""
        self.want(", on: here")
        self.apply()
        tag = self.attribute("image", "tag")
        self.assertEqual(self.run_in("cat", "/app/page"), "one")
        self.settled()
        image = SERVER.inspect("image", tag)["Id"]
        SERVER.docker("rmi", "-f", tag)
        said = self.apply()
        self.assertNotIn("building", said)
        self.assertEqual(SERVER.inspect("image", tag)["Id"], image)
        left = sorted(p.suffix for p in (self.path / CACHE).iterdir() if p.suffix != ".lock")
        self.assertEqual(left, [".part", ".tar"])  # the part without the layers of busybox:1, which the host has
        self.write("app/Dockerfile", "FROM busybox:1\nRUN echo some-words; exit 3\n")
        said = self.apply(status=1)
        self.assertIn("on this machine: ", said)
        self.assertIn("some-words", said)
        self.assertIn("returned a non-zero code: 3", said)


if __name__ == "__main__":
    object_case.main()
