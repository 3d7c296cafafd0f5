#!/usr/bin/env python3
"""docker.container on a real Docker.

usage: container_test.py HADEPLOY PROGRAMS [unittest options]
"""
import object_case
from object_case import SERVER, Case


class ContainerTest(Case):
    SPEC = """  box:
    type: docker.container
    host: HOST
    name: box
    image: busybox:1
    stop_timeout: 1s
    wait: 10s
"""

    def want(self, *lines):
        self.spec(self.SPEC + "".join(f"    {line}\n" for line in lines))

    def box(self):
        return SERVER.inspect("container", "box")

    def all(self):
        return SERVER.docker("ps", "-a", "--format", "{{.Names}}").split()

    def test_settings(self):
        SERVER.docker("network", "create", "front")
        SERVER.docker("network", "create", "back")
        self.want("command: [sleep, '1000']", "env: {WORD: hidden-word}", "ports: ['127.0.0.1:8080:80', '53:53/udp']",
                  "volumes: ['data:/data', '/opt:/there:ro']", "networks: [front, back]", "user: '1000'",
                  "directory: /tmp", "hostname: boxed", "memory: 64 MiB", "cpus: 0.5", "labels: {a: b}",
                  "health_check: {command: ['true'], interval: 1s}")
        self.assertNotIn("error", self.apply())
        box = self.box()
        host, config = box["HostConfig"], box["Config"]
        self.assertEqual(sorted(box["NetworkSettings"]["Networks"]), ["back", "front"])
        self.assertEqual(host["PortBindings"]["80/tcp"], [{"HostIp": "127.0.0.1", "HostPort": "8080"}])
        self.assertEqual(host["PortBindings"]["53/udp"][0]["HostPort"], "53")
        self.assertEqual(host["Binds"], ["data:/data", "/opt:/there:ro"])
        self.assertEqual((host["Memory"], host["NanoCpus"]), (64 << 20, 500000000))
        self.assertEqual(host["RestartPolicy"]["Name"], "unless-stopped")
        self.assertEqual((config["User"], config["WorkingDir"], config["Hostname"]), ("1000", "/tmp", "boxed"))
        self.assertIn("WORD=hidden-word", config["Env"])
        self.assertEqual((config["Labels"]["a"], config["StopTimeout"]), ("b", 1))
        self.assertEqual(box["State"]["Health"]["Status"], "healthy")
        self.assertEqual(self.attribute("box", "id"), box["Id"])
        self.settled()
        self.hadeploy("destroy", "--auto-approve")
        self.assertEqual(self.all(), [])
        self.assertIn("data", SERVER.names("volume"))

    def test_change_and_drift(self):
        self.want("command: [sleep, '1000']")
        self.apply()
        first = self.box()["Id"]
        self.want("command: [sleep, '2000']")
        self.assertEqual(self.steps(), {"box": "update"})
        self.apply()
        self.assertNotEqual(self.box()["Id"], first)
        self.assertEqual(self.all(), ["box"])
        self.settled()
        now = self.box()["Id"]
        SERVER.docker("stop", "-t", "0", "box")
        self.assertIn("start", self.hadeploy("plan"))
        self.apply()
        self.assertEqual((self.box()["Id"], self.box()["State"]["Running"]), (now, True))
        self.settled()
        SERVER.docker("rm", "-f", "box")
        self.assertEqual(self.steps(), {"box": "create"})
        self.apply()
        self.settled()
        # recreated by hand
        SERVER.docker("rm", "-f", "box")
        SERVER.docker("run", "-d", "--name", "box", "busybox:1", "sleep", "1")
        self.assertIn("the container box was not created by this resource", self.hadeploy("plan", status=1))

    def test_a_change_that_fails_is_rolled_back(self):
        self.want("command: [sleep, '1000']")
        self.apply()
        good = self.box()["Id"]
        for broken, cause in (("command: [sh, -c, 'echo no-such-thing; exit 3']", "has ended with status 3"),
                              ("command: [none]", "cannot be started"),
                              ("health_check: {command: ['false'], interval: 1s, retries: 1}", "is not healthy")):
            with self.subTest(broken):
                self.want(*([] if broken.startswith("command") else ["command: [sleep, '2000']"]), broken)
                said = self.apply(status=1)
                self.assertIn(cause, said)
                self.assertIn("the container box was rolled back: ", said)
                self.assertEqual((self.box()["Id"], self.box()["State"]["Running"]), (good, True))
                self.assertEqual(self.all(), ["box"])
        # nothing is stopped for an image that does not exist
        self.spec(self.SPEC.replace("busybox:1", "127.0.0.1:1/none:1"))
        started = self.box()["State"]["StartedAt"]
        self.assertIn("the image 127.0.0.1:1/none:1 cannot be pulled", self.apply(status=1))
        self.assertEqual(self.box()["State"]["StartedAt"], started)
        # a network that does not exist
        self.want("command: [sleep, '2000']", "networks: [bridge, missing]")
        self.assertIn("nothing was changed: the host has no network missing", self.apply(status=1))
        self.assertEqual((self.all(), self.box()["State"]["StartedAt"]), (["box"], started))
        self.want("command: [sleep, '1000']")
        self.assertEqual(self.steps(), {"box": "adopt"})  # only the record of the failed change
        self.apply()
        self.assertEqual(self.box()["State"]["StartedAt"], started)
        self.settled()

    def test_a_container_that_fails_at_first(self):
        self.want("command: [sh, -c, 'echo no-such-thing; exit 3']")
        said = self.apply(status=1)
        self.assertIn("the container box has ended with status 3", said)
        self.assertIn("no-such-thing", said)
        self.want("command: [sleep, '1000']")
        self.apply()
        self.assertEqual(self.all(), ["box"])
        self.settled()

    def test_one_that_ends(self):
        self.want("command: ['true']", "restart: 'no'")
        self.apply()
        self.settled()
        self.want("command: ['false']", "restart: 'no'")
        self.assertIn("was rolled back: the container box has ended with status 1", self.apply(status=1))

    def test_a_killed_change(self):
        """As after a power loss within the script: each state that it can leave."""
        self.want("command: [sleep, '1000']")
        self.apply()
        good = self.box()["Id"]
        label = "hadeploy.identity=" + self.box()["Config"]["Labels"]["hadeploy.identity"]

        def leave(name):
            SERVER.docker("create", "--name", name, "--label", label, "busybox:1", "sleep", "1000")

        for step in range(4):
            with self.subTest(step):
                if step == 0:
                    leave("box.hadeploy-new")
                else:
                    SERVER.docker("stop", "-t", "0", "box")
                    SERVER.docker("rename", "box", "box.hadeploy-old")
                if step == 2:
                    leave("box.hadeploy-new")
                if step == 3:
                    leave("box")
                self.assertEqual(self.steps(), {"box": "update"})
                self.apply()
                self.assertEqual(self.all(), ["box"])
                self.assertNotEqual(self.box()["Id"], good)
                self.settled()
                good = self.box()["Id"]
        leave("box.hadeploy-new")
        self.hadeploy("destroy", "--auto-approve")
        self.assertEqual(self.all(), [])

    def test_order_with_the_other_types(self):
        def want(version):
            self.spec(f"""
  net: {{type: docker.network, host: HOST, name: front, labels: {{version: v{version}}}}}
  files: {{type: docker.volume, host: HOST, name: data}}
  box:
    type: docker.container
    host: HOST
    name: box
    image: busybox:1
    command: [sleep, "1000"]
    stop_timeout: 0s
    networks: ["${{net.name}}"]
    volumes: ["${{files.name}}:/data"]
    lifecycle: {{replace_triggered_by: [net]}}
""")
        want(1)
        self.apply()
        self.settled()
        want(2)
        self.apply()
        self.assertEqual(SERVER.inspect("network", "front")["Labels"]["version"], "v2")
        self.settled()
        self.hadeploy("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(self.all() + SERVER.names("volume"), [])


if __name__ == "__main__":
    object_case.main()
