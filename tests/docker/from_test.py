#!/usr/bin/env python3
"""docker.image that a host reads from another one, with two real Dockers.

usage: from_test.py HADEPLOY PROGRAMS [unittest options]
"""
import os

import hosts
import object_case
from object_case import SERVER, Case


class FromTest(Case):
    @classmethod
    def setUpClass(cls):
        cls.hosts = hosts.start(SERVER, 2)
        SERVER.docker("save", "-o", str(SERVER.path / "shop.tar"), "shop/db:1")
        cls.id = SERVER.inspect("image", "shop/db:1")["Id"]

    def clear(self):
        super().clear()
        for host in self.hosts:
            for image in host.images():
                host.run("docker", "rmi", image.split()[0])
            host.run("rm", "-rf", "/root/.ssh")

    def setUp(self):
        super().setUp()
        self.environment.pop("XDG_CACHE_HOME", None)

    def want(self, first=True):
        image = f"type: docker.image, archive: {SERVER.path}/shop.tar, host: '${{node%d.connection}}'"
        here = f"  first: {{{image % 1}}}\n" if first else ""
        source = "${first.host}" if first else "${node1.connection}"
        self.spec(hosts.spec_of(self.hosts, SERVER.key) + here + f"  second: {{{image % 2}, from: '{source}'}}\n")

    def keys(self):
        return self.hosts[0].run("cat", "/root/.ssh/authorized_keys", check=False)

    def test_read_from_the_other_host(self):
        one, two = self.hosts
        one.run("sh", "-c", "mkdir -m 700 /root/.ssh; printf '%s' '# a line of somebody' >/root/.ssh/authorized_keys")
        self.want()
        said = self.apply()
        self.assertIn("second: reading shop/db:1 from 10.9.0.11", said)
        self.assertEqual((one.images(), two.images()), ([f"shop/db:1 {self.id}"], [f"shop/db:1 {self.id}"]))
        self.settled()
        self.assertEqual(self.keys(), "# a line of somebody\n")
        for host in self.hosts:
            self.assertEqual(host.run("sh", "-c", "ls -d /run/hadeploy-image* /root/.ssh/*hadeploy* 2>&1 | grep -v 'No such'",
                                      check=False), "")
        # removed by hand
        two.run("docker", "rmi", "shop/db:1")
        self.assertEqual(self.steps(), {"second": "create"})
        self.apply()
        self.settled()
        self.hadeploy("destroy", "--auto-approve")
        self.assertEqual(one.images() + two.images(), [])

    def test_only_new_layers_are_sent(self):
        """A version of an image whose base the host has."""
        path = SERVER.path / "big"
        path.mkdir()
        (path / "data").write_bytes(os.urandom(3 << 20))
        (path / "Dockerfile").write_text("FROM shop/db:1\nCOPY data /data\nARG WORD\nRUN echo $WORD >/word\n")
        host = self.hosts[0]
        for word in ("one", "two"):
            SERVER.docker("build", "-q", "-t", f"big:{word}", "--build-arg", f"WORD={word}", str(path))
            archive = self.path / f"{word}.tar"
            SERVER.docker("save", "-o", str(archive), f"big:{word}")
            self.spec(hosts.spec_of(self.hosts, SERVER.key) +
                      f"  image: {{type: docker.image, archive: {archive}, host: '${{node1.connection}}'}}\n")
            self.apply()
            self.settled()
            self.assertIn(f"big:{word} " + SERVER.inspect("image", f"big:{word}")["Id"], host.images())
            sent = list((self.path / ".cache/hadeploy/docker-images").glob("*.part"))
            self.assertEqual(len(sent), 1 if word == "two" else 0)
        self.assertLess(sent[0].stat().st_size, 100_000)

    def test_failures(self):
        one, two = self.hosts
        self.want(first=False)
        said = self.apply(status=1)
        self.assertIn("this host has no image shop/db:1", said)
        self.assertEqual(self.keys(), "")
        self.want()
        two.run("ip", "route", "add", "blackhole", "10.9.0.11/32")
        try:
            said = self.apply(status=1)
        finally:
            two.run("ip", "route", "del", "blackhole", "10.9.0.11/32")
        self.assertIn("the image cannot be read from 10.9.0.11: ", said)
        self.assertIn("hint: the host must reach the SSH server", said)
        # the key of the failed attempt can do one thing, and is replaced by the next one
        self.assertRegex(self.keys(), r"^restrict,expiry-time=\"\d{12}\",command=\"docker save 'shop/db:1'\" ssh-ed25519 ")
        self.apply()
        self.assertEqual(self.keys(), "")
        self.settled()


if __name__ == "__main__":
    object_case.main()
