#!/usr/bin/env python3
"""docker.network, docker.volume, docker.secret and docker.config on a real Docker, and the how-to guide.

usage: objects_test.py HADEPLOY PROGRAMS [unittest options]
"""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import object_case
from object_case import HADEPLOY, SERVER, Case


class NetworkTest(Case):
    BRIDGE = "  net: {type: docker.network, host: HOST, name: front, subnet: 10.71.0.0/24%s}\n"

    def test_life_of_a_bridge(self):
        self.spec(self.BRIDGE % ", gateway: 10.71.0.9, ip_range: 10.71.0.128/25, internal: true, labels: {a: b}, "
                                "options: {com.docker.network.driver.mtu: '1400'}")
        self.apply()
        net = SERVER.inspect("network", "front")
        self.assertEqual(net["IPAM"]["Config"],
                         [{"Subnet": "10.71.0.0/24", "Gateway": "10.71.0.9", "IPRange": "10.71.0.128/25"}])
        self.assertEqual((net["Driver"], net["Internal"], net["Labels"]["a"]), ("bridge", True, "b"))
        self.assertEqual(net["Options"], {"com.docker.network.driver.mtu": "1400"})
        self.settled()
        # a change replaces it
        self.spec(self.BRIDGE % "")
        self.assertEqual(self.steps(), {"net": "replace"})
        self.apply()
        self.assertNotEqual(SERVER.inspect("network", "front")["Id"], net["Id"])
        self.assertEqual(SERVER.inspect("network", "front")["Options"], {})
        self.settled()
        # removed by hand
        SERVER.docker("network", "rm", "front")
        self.assertEqual(self.steps(), {"net": "create"})
        self.apply()
        self.settled()
        self.hadeploy("destroy", "--auto-approve")
        self.assertIsNone(SERVER.inspect("network", "front"))

    def test_overlay(self):
        text = "  net: {type: docker.network, hosts: HOSTS, name: back, attachable: %s%s}\n"
        self.spec(text % ("true", ", options: {encrypted: ''}"))
        self.apply()
        net = SERVER.inspect("network", "back")
        self.assertEqual((net["Driver"], net["Scope"], net["Attachable"]), ("overlay", "swarm", True))
        self.assertEqual(self.attribute("net", "driver"), "overlay")
        self.settled()
        self.spec(text % ("false", ", subnet: 10.72.0.0/24"))
        self.apply()
        self.assertEqual(SERVER.inspect("network", "back")["IPAM"]["Config"][0]["Subnet"], "10.72.0.0/24")
        self.settled()
        self.hadeploy("destroy", "--auto-approve")
        self.assertNotIn("back", SERVER.names("network"))

    def test_of_somebody_else(self):
        SERVER.docker("network", "create", "--subnet", "10.71.0.0/24", "front")
        self.spec(self.BRIDGE % "")
        said = self.hadeploy("plan", status=1)
        self.assertIn("the network front was not created by this resource; to remove it: docker network rm front",
                      said)
        # import it
        found = SERVER.inspect("network", "front")["Id"]
        self.assertIn("the object of that name is not 0123", self.hadeploy("import", "net", "0123", status=1))
        self.hadeploy("import", "net", found)
        self.assertEqual(self.steps(), {"m": "adopt"})
        self.apply()
        self.settled()
        self.hadeploy("destroy", "--auto-approve")
        self.assertIsNone(SERVER.inspect("network", "front"))

    def test_imported_before_its_host_is_recorded(self):
        """A destroy then removes the object too, instead of only its record."""
        SERVER.docker("network", "create", "--subnet", "10.71.0.0/24", "front")
        self.spec(self.BRIDGE % "")
        self.hadeploy("import", "net", SERVER.inspect("network", "front")["Id"])
        self.assertEqual(self.hadeploy("state", "list").split(), ["net"])
        self.hadeploy("destroy", "--auto-approve")
        self.assertIsNone(SERVER.inspect("network", "front"))

    def test_overlapping_subnets(self):
        SERVER.docker("network", "create", "--subnet", "10.71.0.128/25", "other")
        self.spec(self.BRIDGE % "")
        said = self.hadeploy("plan", status=1)
        self.assertIn('the addresses 10.71.0.0/24 are in use: the network "other" has 10.71.0.128/25', said)
        SERVER.docker("network", "rm", "other")
        two = "  other: {type: docker.network, %s, name: other, subnet: 10.71.0.0/16}\n"
        self.spec(self.BRIDGE % "" + two % "host: HOST")
        self.assertIn("overlaps with", self.hadeploy("plan", status=65))
        # a swarm has addresses of its own
        self.spec(self.BRIDGE % "" + two % "hosts: HOSTS")
        self.apply()
        self.settled()

    def test_in_use(self):
        self.spec(self.BRIDGE % "")
        self.apply()
        SERVER.docker("run", "-d", "--name", "user", "--network", "front", "busybox:1", "sleep", "1000")
        said = self.hadeploy("destroy", "--auto-approve", status=1)
        self.assertIn("something is still attached to the network front: ", said)
        self.assertIn("hint: `docker network inspect NAME`", said)
        SERVER.docker("rm", "-f", "user")
        self.hadeploy("destroy", "--auto-approve")
        self.assertIsNone(SERVER.inspect("network", "front"))


class VolumeTest(Case):
    SPEC = "  files: {type: docker.volume, host: HOST, name: data%s}\n"

    def write(self):
        SERVER.docker("run", "--rm", "-v", "data:/data", "busybox:1", "touch", "/data/file")

    def files(self):
        return os.listdir(SERVER.inspect("volume", "data")["Mountpoint"])

    def test_data_is_not_lost_by_accident(self):
        self.spec(self.SPEC % ", labels: {a: b}")
        self.apply()
        self.assertEqual(self.attribute("files", "mountpoint"), SERVER.inspect("volume", "data")["Mountpoint"])
        self.write()
        self.settled()
        said = self.hadeploy("destroy", "--auto-approve", status=1)
        self.assertIn("the Docker volume data on 127.0.0.1 and all files in it", said)
        self.spec(self.SPEC % ", labels: {a: c}")
        self.assertEqual(self.steps(), {"files": "replace"})
        self.apply(status=1)
        self.assertEqual(self.files(), ["file"])
        self.apply("--allow-data-loss=files")
        self.assertEqual(self.files(), [])
        self.settled()
        self.hadeploy("destroy", "--auto-approve", "--allow-data-loss=files")
        self.assertIsNone(SERVER.inspect("volume", "data"))

    def test_options(self):
        options = ", options: {type: tmpfs, device: tmpfs, o: 'size=1m'}"
        self.spec(self.SPEC % options)
        self.apply()
        self.assertEqual(SERVER.inspect("volume", "data")["Options"],
                         {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"})
        self.settled()
        self.spec(self.SPEC % options.replace("1m", "2m"))
        self.apply()  # memory holds no data
        self.assertEqual(SERVER.inspect("volume", "data")["Options"]["o"], "size=2m")
        self.settled()

    def test_of_somebody_else(self):
        SERVER.docker("volume", "create", "data")
        self.write()
        self.spec(self.SPEC % "")
        self.assertIn("the volume data was not created by this resource", self.hadeploy("plan", status=1))
        self.hadeploy("import", "files", "data")
        self.assertEqual(self.steps(), {"m": "adopt"})
        self.apply()
        self.settled()
        self.assertEqual(self.files(), ["file"])
        self.hadeploy("destroy", "--auto-approve", "--allow-data-loss")
        self.assertIsNone(SERVER.inspect("volume", "data"))

    def test_in_use(self):
        self.spec(self.SPEC % "")
        self.apply()
        SERVER.docker("run", "-d", "--name", "user", "-v", "data:/data", "busybox:1", "sleep", "1000")
        said = self.hadeploy("destroy", "--auto-approve", "--allow-data-loss", status=1)
        self.assertIn("a container still uses the volume data: ", said)
        self.assertIn("docker ps -a --filter volume=NAME", said)
        SERVER.docker("rm", "-f", "user")
        self.hadeploy("destroy", "--auto-approve", "--allow-data-loss")


class ContentTest(Case):
    """Secrets and configs."""

    STACK = """  app:
    type: docker.stack
    hosts: HOSTS
    name: app
    variables: {NAME: "${it.full_name}"}
    content: |
      services:
        web:
          image: shop/db:1
          deploy: {update_config: {monitor: 1s}}
          KINDs: [{source: it, target: /it}]
      KINDs: {it: {external: true, name: "$${NAME}"}}
"""

    def want(self, kind, content, labels="{}", more=""):
        content = json.dumps(content)
        self.spec(f"  it: {{type: docker.{kind}, hosts: HOSTS, name: it, content: {content}, labels: {labels}}}\n"
                  + more.replace("KIND", kind))

    def own(self, kind):
        return [name for name in SERVER.names(kind) if name.startswith("it-")]

    def seen_by(self, kind):
        """The content in the container of the service."""
        running = SERVER.docker("ps", "-q", "--filter", "label=com.docker.swarm.service.name=app_web").split()
        return [SERVER.docker("exec", c, "cat", "/it") for c in running]

    def rotate(self, kind):
        self.want(kind, "word-one-word", more=self.STACK)
        self.apply()
        old = self.own(kind)
        self.assertEqual(old, [self.attribute("it", "full_name")])
        self.assertRegex(old[0], r"^it-[0-9a-f]{12}$")
        self.assertEqual(self.seen_by(kind), ["word-one-word"])
        self.settled()
        self.want(kind, "word-two-word", more=self.STACK)
        plan = self.hadeploy("plan")
        if kind == "secret":
            self.assertNotIn("word-", plan)
        self.assertEqual(self.steps()["it"], "replace")
        said = self.apply()
        if kind == "secret":
            self.assertNotIn("word-", said)
        self.wait_for("the new content", lambda: self.seen_by(kind) == ["word-two-word"])
        self.assertEqual(len(self.own(kind)), 1)
        self.assertNotEqual(self.own(kind), old)
        self.settled()
        # and back
        self.want(kind, "word-one-word", more=self.STACK)
        self.apply()
        self.assertEqual(self.own(kind), old)
        self.settled()
        self.hadeploy("rollback", "--auto-approve")
        self.wait_for("the content before", lambda: self.seen_by(kind) == ["word-two-word"])
        self.hadeploy("destroy", "--auto-approve")
        self.assertEqual(self.own(kind), [])

    def test_rotation_of_a_secret(self):
        self.rotate("secret")

    def test_rotation_of_a_config(self):
        self.rotate("config")

    def test_labels_are_changed_in_place(self):
        for kind in ("secret", "config"):
            with self.subTest(kind):
                self.want(kind, "content")
                self.apply()
                found = SERVER.inspect(kind, self.own(kind)[0])["ID"]
                self.want(kind, "content", "{a: b}")
                self.assertEqual(self.steps(), {"it": "update"})
                self.apply()
                now = SERVER.inspect(kind, self.own(kind)[0])
                self.assertEqual((now["ID"], now["Spec"]["Labels"]["a"]), (found, "b"))
                self.settled()
                self.want(kind, "content")
                self.apply()
                self.assertNotIn("a", SERVER.inspect(kind, self.own(kind)[0])["Spec"]["Labels"])
                self.hadeploy("destroy", "--auto-approve")

    def test_one_that_is_still_used(self):
        self.want("secret", "one")
        self.apply()
        old = self.own("secret")[0]
        SERVER.docker("service", "create", "--detach", "--name", "other", "--secret", old, "busybox:1", "sleep", "9")
        self.want("secret", "two")
        said = self.apply(status=1)
        self.assertIn(f"a service still uses the secret {old}: ", said)
        self.assertIn("in use by the following service: other", said)
        self.assertIn("hint: let the service use `full_name`", said)
        self.assertEqual(len(self.own("secret")), 2)
        SERVER.docker("service", "rm", "other")
        self.apply()
        self.assertEqual(self.own("secret"), [self.attribute("it", "full_name")])
        self.settled()

    def test_of_somebody_else(self):
        self.want("config", "content")
        self.apply()
        name = self.own("config")[0]
        SERVER.docker("config", "rm", name)
        self.assertEqual(self.steps(), {"it": "create"})
        (self.path / "file").write_text("content")
        SERVER.docker("config", "create", name, str(self.path / "file"))
        self.assertIn(f"the config {name} was not created by this resource", self.hadeploy("plan", status=1))

    def test_a_large_secret(self):
        random.seed(1)
        self.want("secret", "".join(random.choices("abcdefgh", k=500 * 1024 - 1)))
        self.apply()
        self.settled()


class PageTest(Case):
    """The commands of the how-to guide."""

    def test_page(self):
        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "docs"))
        import pages_test
        pages_test.HADEPLOY = str(HADEPLOY)
        page = (pages_test.DOCS / "how-to/docker-objects.md").read_text()
        session = pages_test.Session(self.path)
        ssh = session.directory / ".ssh"
        ssh.mkdir()
        (ssh / "config").write_text(f"Host *\nPort {SERVER.port}\nIdentityFile {SERVER.key}\n")
        (ssh / "known_hosts").write_text(f"[192.0.2.11]:{SERVER.port} {SERVER.host_key}\n")
        for directory in (".", "tools"):
            session.write(f"{directory}/hosts.yaml", "managers: {node1: 192.0.2.11}\n")
        found = list(pages_test.problems(page.replace("<!-- run by: tests/docker/objects_test.py -->", ""), session))
        self.assertEqual(found, [], "\n".join(found))
        self.assertEqual(len(SERVER.names("secret")), 1)


class KillTest(Case):
    """Kills of hadeploy: the next apply finishes what was begun, and leaves nothing behind."""

    def want(self, version):
        self.spec(f"""
  net: {{type: docker.network, host: HOST, name: front, subnet: 10.71.{version}.0/24}}
  over: {{type: docker.network, hosts: HOSTS, name: back, labels: {{version: v{version}}}}}
  files: {{type: docker.volume, host: HOST, name: data, labels: {{version: v{version}}}}}
  it: {{type: docker.secret, hosts: HOSTS, name: it, content: word-{version}}}
  that: {{type: docker.config, hosts: HOSTS, name: that, content: word-{version}, labels: {{version: v{version}}}}}
""")

    def test_kills(self):
        random.seed(2)
        for version in range(1, 13):
            self.want(version)
            run = subprocess.Popen([HADEPLOY, "apply", "--auto-approve", "--allow-data-loss"], cwd=self.path,
                                   env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0.05, 0.9))
            run.send_signal(signal.SIGKILL)
            run.wait()
            self.apply("--allow-data-loss")
            self.settled()
            own = {kind: [n for n in SERVER.names(kind) if re.match("(it|that)-|front|back|data", n)]
                   for kind in ("network", "volume", "secret", "config")}
            self.assertEqual({kind: len(names) for kind, names in own.items()},
                             {"network": 2, "volume": 1, "secret": 1, "config": 1}, own)


if __name__ == "__main__":
    object_case.main()
