"""examples/ha-web on real virtual machines: the app through the floating address, deployments without a lost
request under constant load, one of them failing, and the failover of the address.

The tests depend on each other and run in the order of their names; the first failure ends them. Real HAProxy,
keepalived, Gluster and MariaDB of Debian 13; a network of several hosts is not covered.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

from cluster import IMAGES, LAB, Node, Project, http, run, virsh, wait_until
from versions_story import changed_images

NAMES = ["web-a", "web-b", "web-c"]
LOAD = pathlib.Path(__file__).with_name("load.py")
FASTEST = 200  # requests a second


def listens_elsewhere(config):
    """The container runs and is healthy, but does not answer at its published port."""
    config["Env"] = [*config.get("Env", []), "PORT=8001"]


class HaWeb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab_was_up = run(LAB, "status", check=False).returncode == 0
        run(LAB, "up")
        cls.before = virsh("list", "--all", "--name")
        cls.image = str(IMAGES / "hello.tar")
        cls.project = Project("ha-web", {"image": cls.image, "version": "v1"})
        os.environ["HADEPLOY_VAULT_PASSWORD"] = "example"

    @classmethod
    def tearDownClass(cls):
        try:
            cls.project.hadeploy("destroy", "--auto-approve", "--allow-data-loss", "--progress", "plain",
                                 check=False)
        finally:
            cls.project.remove()
            if not cls.lab_was_up:
                run(LAB, "down")

    def nodes(self):
        key = self.project.output("ssh_key")
        return {name: Node(f"10.78.0.{11 + number}", key) for number, name in enumerate(NAMES)}

    def url(self, path=""):
        return self.project.output("web-lb") + path

    @contextlib.contextmanager
    def load(self, rate):
        """Requests in the meantime; yields a dict that has the counts at the end."""
        process = subprocess.Popen([LAB, "exec", "python3", LOAD, self.url("/"), str(rate)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        seen = {}
        try:
            yield seen
        finally:
            out = process.communicate("", timeout=120)[0]
            seen.update(json.loads(out))
            print(f"{rate} requests a second: {seen}", flush=True)

    def deploy(self, version, image=None, check=True):
        self.project.variables |= {"version": version, "image": image or self.image}
        return self.project.hadeploy("apply", "--auto-approve", "--progress", "plain", check=check)

    def highest_rate(self):
        """The highest rate without a failure while nothing is deployed."""
        for rate in (FASTEST, 100, 50, 20):
            with self.load(rate) as seen:
                run("sleep", "20")
            if not seen["failures"]:
                return rate
        return 10

    def test_1_everything_is_created(self):
        self.project.apply(timeout=5400)
        self.assertEqual(self.project.plan(), {})
        self.assertEqual(http(self.url("/")), "hello world\n")
        self.assertEqual(http(self.url("/ping")), "pong\n")

    def test_2_the_machines_have_what_the_system_needs(self):
        self.assertEqual(self.project.output("web-db"), "10.78.0.100:3307")
        self.assertEqual(self.project.output("efs"), "10.78.0.11:/shared")
        holders = 0
        for name, node in self.nodes().items():
            self.assertEqual(node.sh("hostname"), name)
            self.assertIn("/shared", node.sh("df -t fuse.glusterfs --output=target"))
            self.assertEqual(node.sh("mariadb -NBe \"SHOW STATUS LIKE 'wsrep_cluster_size'\" | cut -f2"), "3")
            self.assertIn("app-app-1 Up", node.sh("docker ps --format '{{.Names}} {{.Status}}'"))
            self.assertTrue(node.sh("cd /shared/configs && git log --oneline -1"))
            holders += "10.78.0.100/" in node.sh("ip -o -4 address")
        self.assertEqual(holders, 1)

    def test_3_the_database_is_reached_with_the_secret(self):
        nodes = list(self.nodes().values())
        text = nodes[2].sh("MYSQL_PWD=an-example-password mariadb -h 10.78.0.100 -P 3307 -u app app -NBe "
                           "'CREATE TABLE t (n INT); INSERT INTO t VALUES (7); SELECT n FROM t'")
        self.assertEqual(text, "7")
        wait_until("the row is on another machine",
                   lambda: nodes[1].sh("mariadb app -NBe 'SELECT n FROM t'") == "7", 10)

    def test_4_deployments_lose_no_request(self):
        broken = changed_images(self.project.root / "broken", "hello", listens_elsewhere) + "/hello.tar"
        for rate in (10, self.highest_rate()):
            with self.load(rate) as seen:
                for number in range(4):
                    self.deploy(f"r{rate}-{number}")
                    if number == 1:  # one that fails: the others serve the version before it
                        failed = self.deploy(f"r{rate}-broken", image=broken, check=False)
                        self.assertEqual(failed.returncode, 1)
                        self.assertIn('app["web-a"]', failed.stdout + failed.stderr)
                        self.assertIn("was rolled back", failed.stdout + failed.stderr)
            self.assertEqual(seen["failures"], [])
            self.assertNotIn(f"r{rate}-broken", seen["versions"])
            self.assertLessEqual({f"r{rate}-{n}" for n in range(4)}, set(seen["versions"]))
        self.assertEqual(self.project.plan(), {})

    def test_5_the_address_moves_when_its_machine_fails(self):
        holder = next(name for name, node in self.nodes().items()
                      if "10.78.0.100/" in node.sh("ip -o -4 address"))
        with self.load(10) as seen:
            virsh("destroy", holder)
            wait_until("another machine answers", lambda: http(self.url("/"), timeout=3) == "hello world\n", 30)
            run("sleep", "10")
        self.assertLess(len(seen["failures"]), 10 * 15)  # not longer than 15 s
        self.project.apply()
        self.assertEqual(self.project.plan(), {})

    def test_6_nothing_is_left(self):
        self.project.hadeploy("destroy", "--auto-approve", "--allow-data-loss", "--progress", "plain")
        self.assertEqual(virsh("list", "--all", "--name"), self.before)


if __name__ == "__main__":
    unittest.main(failfast=True, verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
