#!/usr/bin/env python3
"""docker.registry_login, and docker.image from a registry: a real Docker and Debian's docker-registry.

usage: registry_test.py HADEPLOY PROGRAMS [unittest options]
"""
import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

import object_case
import registries
from object_case import PROGRAMS, SERVER, Case
from registries import MIRROR, OPEN, PASSWORD, REGISTRY, USER

CONFIG = pathlib.Path("/root/.docker/config.json")
CERTIFICATES = pathlib.Path("/etc/docker/certs.d")


class RegistryTest(Case):
    @classmethod
    def setUpClass(cls):
        program = PROGRAMS / "usr/bin/docker-registry"
        if not program.exists():
            raise unittest.SkipTest(f"needs docker-registry: tests/docker/unpack.sh {PROGRAMS}")
        cls.registries = registries.Registries(SERVER.path / "registries", program)
        cls.addClassCleanup(cls.registries.stop)
        cls.digest = cls.registries.push(SERVER.docker, "busybox:1", "shop/web:1")
        cls.other = cls.registries.push(SERVER.docker, "shop/db:1", "shop/web:2")

    def clear(self):
        super().clear()
        shutil.rmtree(CONFIG.parent, ignore_errors=True)
        shutil.rmtree(CERTIFICATES, ignore_errors=True)
        for name in self.images():
            SERVER.docker("rmi", "-f", name)

    def images(self):
        """The names and digests of the images, except those of the server from the beginning."""
        found = []
        for of in subprocess.run(["docker", "images", "-q", "--no-trunc"], capture_output=True, text=True).stdout.split():
            image = SERVER.inspect("image", of)
            found += image["RepoTags"] + image["RepoDigests"]
        return sorted({f for f in found if f not in ("busybox:1", "shop/db:1")})

    def login(self, password=PASSWORD, ca=True, more="", server=REGISTRY):
        return (f"  login: {{type: docker.registry_login, host: HOST, server: '{server}', username: {USER}, "
                f"password: {json.dumps(password)}"
                f"{', ca: ' + json.dumps(self.registries.ca) if ca else ''}{more}}}\n")

    def image(self, name, more=", depends_on: [login]"):
        return f"  image: {{type: docker.image, host: HOST, pull: '{name}'{more}}}\n"

    def entry(self):
        config = json.loads(CONFIG.read_text())
        return base64.b64decode(config["auths"][REGISTRY]["auth"]).decode() if REGISTRY in config["auths"] else None

    def test_login_and_pull(self):
        self.spec(self.login() + self.image(f"{REGISTRY}/shop/web:1"))
        said = self.apply()
        self.assertNotIn(PASSWORD, said)
        self.assertEqual(self.entry(), f"{USER}:{PASSWORD}")
        self.assertEqual(CONFIG.stat().st_mode & 0o777, 0o600)
        self.assertEqual((CERTIFICATES / REGISTRY / "ca.crt").read_text(), self.registries.ca)
        self.assertEqual(self.attribute("image", "id"), SERVER.inspect("image", "busybox:1")["Id"])
        self.settled()
        # removed by hand
        SERVER.docker("rmi", f"{REGISTRY}/shop/web:1")
        self.assertEqual(self.steps(), {"image": "create"})
        self.apply()
        # a different version
        self.spec(self.login() + self.image(f"{REGISTRY}/shop/web:2"))
        self.assertEqual(self.steps(), {"image": "create"})
        self.apply()
        self.settled()
        self.hadeploy("destroy", "--auto-approve")
        # the previous version stays, for a rollback of what uses it
        self.assertEqual(self.images(), [f"{REGISTRY}/shop/web:1", f"{REGISTRY}/shop/web@{self.digest}"])
        self.assertIsNone(self.entry())
        self.assertFalse((CERTIFICATES / REGISTRY).exists())

    def test_drift_of_a_login(self):
        self.spec(self.login())
        self.apply()
        good = CONFIG.read_text()
        for name, change in {
                "logout": lambda: SERVER.docker("logout", REGISTRY),
                "a different user": lambda: CONFIG.write_text(
                    json.dumps({"auths": {REGISTRY: {"auth": base64.b64encode(b"x:y").decode()}}})),
                "readable": lambda: CONFIG.chmod(0o644),
                "the certificate": lambda: (CERTIFICATES / REGISTRY / "ca.crt").write_text("x"),
                "no certificate": lambda: shutil.rmtree(CERTIFICATES)}.items():
            with self.subTest(name):
                change()
                self.assertNotIn("word-", self.hadeploy("plan"))
                self.assertEqual(self.steps(), {"login": "update"})
                self.apply()
                self.settled()
                self.assertEqual((json.loads(CONFIG.read_text()), CONFIG.stat().st_mode & 0o777),
                                 (json.loads(good), 0o600))
        # all of it
        CONFIG.unlink()
        shutil.rmtree(CERTIFICATES)
        self.assertEqual(self.steps(), {"login": "create"})
        # the file of somebody else, in one line and with another login
        other = base64.b64encode(b"somebody:else").decode()
        CONFIG.write_text(json.dumps({"HttpHeaders": {"a": '[{":, "auths"'}, "auths": {"other.example": {"auth": other}}}))
        self.apply()
        self.settled()
        self.assertEqual(json.loads(CONFIG.read_text())["auths"]["other.example"]["auth"], other)
        CONFIG.write_text("{")
        self.assertIn("config.json cannot be read", self.hadeploy("plan", status=1))
        CONFIG.write_text('{"credsStore": "pass"}')
        self.assertIn('keeps its passwords in the credential store "pass"', self.hadeploy("plan", status=1))

    def test_rotation(self):
        self.spec(self.login())
        self.apply()
        self.addCleanup(self.registries.set_password, PASSWORD)
        self.registries.set_password("word-two")
        self.spec(self.login("word-two"))
        self.assertEqual(self.steps(), {"login": "update"})
        self.assertNotIn("word-", self.apply())
        self.assertEqual(self.entry(), f"{USER}:word-two")
        # without the certificate: the registry is not trusted any more
        self.spec(self.login("word-two", ca=False))
        said = self.apply(status=1)
        self.assertIn(f"the login to {REGISTRY} failed: the certificate of the registry is not trusted: ", said)
        self.assertIn("hint: set `ca` of a docker.registry_login", said)
        self.assertFalse((CERTIFICATES / REGISTRY).exists())

    def test_refusals(self):
        self.spec(self.login("wrong-word"))
        said = self.apply(status=1)
        self.assertIn(f"the login to {REGISTRY} failed: the registry refuses the access: ", said)
        self.assertIn("hint: check `username` and `password` of the docker.registry_login", said)
        self.assertNotIn("wrong-word", said)
        self.assertFalse(CONFIG.exists())
        self.hadeploy("destroy", "--auto-approve")
        self.assertFalse(CERTIFICATES.joinpath(REGISTRY).exists())
        self.spec(self.login(server="192.0.2.1:5009", ca=False))
        self.assertIn("failed: the registry cannot be reached: ", self.apply(status=1))
        CERTIFICATES.joinpath(REGISTRY).mkdir(parents=True)
        CERTIFICATES.joinpath(REGISTRY, "ca.crt").write_text(self.registries.ca)
        for image, cause in ((f"{REGISTRY}/shop/web:1", "the registry refuses the access: "),
                             (f"{OPEN}/shop/web:9", "the registry does not have it: "),
                             (f"{OPEN}/shop/none:1", "the registry does not have it: "),
                             (f"{OPEN}/shop/web@sha256:{'0' * 64}", "the registry does not have it: "),
                             ("192.0.2.1:5009/shop/web:1", "the registry cannot be reached: ")):
            with self.subTest(image):
                self.spec(self.image(image, ""))
                said = self.apply(status=1)
                self.assertIn(f"the image {image} cannot be pulled: {cause}", said)
                self.assertIn("  hint: ", said)
        self.assertEqual(self.images(), [])

    def test_digest(self):
        name = f"{OPEN}/shop/web@{self.digest}"
        self.spec(self.image(name, ""))
        self.apply()
        self.settled()
        self.assertEqual(self.images(), [name])
        self.assertEqual(self.attribute("image", "tag"), name)
        # a tag beside it is only for readers
        self.spec(self.image(f"{OPEN}/shop/web:1@{self.other}", ""))
        self.apply()
        self.settled()
        self.assertIn(f"{OPEN}/shop/web@{self.other}", self.images())
        SERVER.docker("rmi", f"{OPEN}/shop/web@{self.other}")
        self.assertEqual(self.steps(), {"image": "create"})
        self.apply()
        self.hadeploy("destroy", "--auto-approve")
        self.assertEqual(self.images(), [name])

    def test_a_registry_that_lies(self):
        (SERVER.path / "lie").mkdir()
        (SERVER.path / "lie/file").write_text("unlike all other images")
        registries.run("tar", "-C", SERVER.path / "lie", "-cf", SERVER.path / "lie.tar", ".")
        SERVER.docker("import", str(SERVER.path / "lie.tar"), "lie:1")
        digest = self.registries.push(SERVER.docker, "lie:1", "shop/lie:1")
        SERVER.docker("rmi", "lie:1")  # Docker does not ask for what it has
        manifest = json.loads(self.registries.blob(digest).read_text())
        by_digest, by_tag = f"{OPEN}/shop/lie@{digest}", f"{OPEN}/shop/lie:1"
        for what, lie, pulled in (("manifest", digest, [by_digest]),
                                  ("configuration", manifest["config"]["digest"], [by_digest, by_tag]),
                                  ("layer", manifest["layers"][0]["digest"], [by_digest, by_tag])):
            file = self.registries.blob(lie)
            before = file.read_bytes()
            changed = before.replace(b'"linux"', b'"minix"') if what == "configuration" else before[:-1] + b"\n"
            self.assertNotEqual(changed, before)
            file.write_bytes(changed if what != "manifest" else before.replace(b": 2", b":  2"))
            for image in pulled:
                with self.subTest(what, image=image):
                    self.spec(self.image(image, ""))
                    said = self.apply(status=1)
                    self.assertIn("the content that the registry sent does not have its digest: ", said)
                    self.assertIn("hint: the registry or a proxy in front of it is broken or lies", said)
                    self.assertEqual(self.images(), [])
            file.write_bytes(before)
        self.apply()
        self.settled()

    def test_mirror(self):
        """As the how-to guide says; there is no systemd here for a docker.engine."""
        daemon = pathlib.Path("/etc/docker/daemon.json")
        daemon.parent.mkdir(exist_ok=True)
        daemon.write_text(json.dumps({"registry-mirrors": [f"http://{MIRROR}"]}))
        try:
            os.kill(SERVER.server.pid, signal.SIGHUP)
            self.wait_for("the mirror", lambda: MIRROR in SERVER.docker("info"))
            self.spec(self.image("shop/web:2", ""))
            self.apply()
            self.settled()
            self.assertIn("shop/web:2", self.images())
        finally:
            daemon.write_text("{}")
            os.kill(SERVER.server.pid, signal.SIGHUP)


if __name__ == "__main__":
    object_case.main()
