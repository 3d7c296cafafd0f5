#!/usr/bin/env python3
"""The hosts of examples/aws-ha-web, and deployments under load, on moto with machines (machines.py says what is real
there, and what stands for something else).

The tests depend on each other and run in the order of their names; the first failure ends them.

usage: ha_web_machines_test.py HADEPLOY [unittest options]
"""
import collections
import os
import subprocess
import threading
import time
import unittest
import urllib.request

from emulator import ensure_moto

ensure_moto()
import machines  # noqa: E402

machines.enter()
import project  # noqa: E402
from project import HADEPLOY  # noqa: E402
from web_system import HELLO, WebProject  # noqa: E402


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()
    if not HELLO.exists():
        raise unittest.SkipTest("needs the images of the build")


def page(address, path, timeout=5):
    """Text and version."""
    with urllib.request.urlopen(f"http://{address}{path}", timeout=timeout) as response:
        return response.read().decode(), response.headers["X-Version"]


def health_of(is_healthy):
    """As AWS reports the health of a target."""
    return ("healthy", "", "") if is_healthy else \
        ("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed")


class Balancer:
    """Sends requests to the targets that moto has registered and whose health check succeeds. Until its end, the
    health that moto reports is the one that decides here, as in AWS."""

    def __init__(self, cloud):
        self.cloud, self.healthy, self.ends = cloud, set(), threading.Event()
        self.health_before = proxy.balancing.health
        proxy.balancing.health = lambda place, used: health_of(place[1] in self.healthy)
        self.seen, self.failures = collections.Counter(), []
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.check, self.load)]
        for thread in self.threads:
            thread.start()

    def is_healthy(self, instance):
        try:
            return page(self.cloud.machines[instance].private, "/ping")[0] == "pong\n"
        except (OSError, KeyError):
            return False

    def check(self):
        while not self.ends.wait(0.1):
            self.healthy = {instance for _, instance, _ in list(proxy.balancing.registered) if self.is_healthy(instance)}

    def load(self):
        number = 0
        while not self.ends.wait(0.02):
            targets = sorted({its for _, its, _ in list(proxy.balancing.registered)} & self.healthy)
            number += 1
            try:
                if not targets:
                    raise OSError("no target is healthy")
                text, version = page(self.cloud.machines[targets[number % len(targets)]].private, "/")
                self.seen[text.strip(), version] += 1
            except OSError as error:
                self.failures.append(str(error))

    def __enter__(self):
        machines.wait_for("requests are answered", lambda: self.seen)
        self.failures.clear()
        return self

    def __exit__(self, *exception):
        self.ends.set()
        for thread in self.threads:
            thread.join()
        proxy.balancing.health = self.health_before


class MachinesTest(WebProject):
    """One project for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.kept = None

    def setUp(self):
        if self.kept:
            self.__dict__.update(self.kept)
            return
        super().setUp()
        type(self).held, self._cleanups = self._cleanups, []  # the directory disappears with the namespace

        def change(module):
            self.packages = module["resources"]["packages"]["packages"]
            # the bind mount of a directory stands for NFS
            module["resources"]["shared"].update(source="/efs", fs="none", options="bind")
            # for the first deployment; load_balancing.py waits in seconds
            module["variables"]["drain"]["default"] = "1s"
        self.edit_module(change)
        self.cloud = machines.Cloud(self.ec2, self.packages)
        self.events = []

        def watch(action, params, _):
            if action in ("RegisterTargets", "DeregisterTargets"):
                self.events.append((time.time(), f"{action[:-7].lower()} {params['Targets.member.1.Id']}"))
        proxy.faults = [watch, self.cloud.watch]
        proxy.balancing.health = lambda place, used: health_of(page_works(self.cloud, place[1]))
        self.agent = str(machines.PLACE / "agent")
        subprocess.run(["ssh-agent", "-a", self.agent], check=True, stdout=subprocess.DEVNULL)
        # the command of the README
        subprocess.run("\"$HADEPLOY\" vault view secrets.yaml | sed -n '/^login_key:/,/^deploy_key:/s/^    //p' | "
                       "ssh-add -q -", shell=True, check=True, cwd=self.path, env=self.environment())
        type(self).kept = {k: v for k, v in self.__dict__.items() if not k.startswith("_")}

    def environment(self):
        return {**super().environment(), "SSH_AUTH_SOCK": getattr(self, "agent", ""), "HADEPLOY": HADEPLOY}

    def node(self, host):
        return self.cloud.machines[self.id(f'node["{host}"]')]

    def sh(self, host, script):
        """Runs a script as root, after a login with the key in the agent."""
        its = self.node(host)
        key = self.secrets()["host_keys"][host]["public"]
        known = self.root / "known_hosts"
        known.write_text(f"{its.public} {key}\n")
        done = subprocess.run(["ssh", "-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes",
                               f"admin@{its.public}", "sudo", "sh", "-s"], input=script, capture_output=True, text=True,
                              timeout=120, env=self.environment(), check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.strip()

    def deploy(self, version, code=0):
        self.events.clear()
        self.variables["version"] = version
        return self.apply(code=code)

    def order(self, since):
        """The changes of the load balancer and of the apps, in their order."""
        swaps = [(when, f"swap {its} {version}") for its, one in self.cloud.machines.items()
                 for when, version in one.deployed() if when > since]
        return [what for _, what in sorted(self.events + swaps)]

    def ids(self):
        return self.id('node["web-a"]'), self.id('node["web-b"]')

    def test_1_everything_is_created(self):
        said = self.apply()
        self.unchanged()
        self.assertEqual(len(self.cloud.machines), 2)
        for machine in self.cloud.machines.values():
            self.assertEqual(page(machine.private, "/"), ("hello world\n", "v1"))
            self.assertEqual(page(machine.private, "/ping"), ("pong\n", "v1"))
        self.assertEqual(self.secrets_in(said, *self.files_of_state()), set())

    def test_2_the_hosts_are_configured(self):
        for host in ("web-a", "web-b"):
            self.assertEqual(self.sh(host, "hostname"), host)
            self.assertEqual(self.sh(host, "cat /shared/configs/version"), "v1")  # the same files on both
            self.assertIn(" /shared ", self.sh(host, "cat /proc/mounts"))
            self.assertEqual(self.sh(host, "stat -c '%a %U' /etc/deploy /etc/deploy/key"), "700 root\n600 root")
            self.assertEqual(self.sh(host, "getent hosts web-b").split()[0], self.node("web-b").private)
        self.assertEqual(self.sh("web-a", "cd /shared/configs && git log --format=%s"), "Version v1")
        self.assertEqual(self.sh("web-b", "diff /shared/configs/nginx.conf /etc/nginx/sites-enabled/default"), "")

    def test_3_the_database_has_a_schema_and_a_user(self):
        ask = self.cloud.database.ask
        self.assertEqual(ask("SHOW DATABASES LIKE 'app'"), "app")
        host = self.id("database") + ".aaaaaaaaaa.eu-central-1.rds.amazonaws.com"
        as_app = f"MYSQL_PWD={self.secrets()['database_password']} mariadb -h {host} -u app -NBe"
        self.assertEqual(self.sh("web-b", f"{as_app} 'CREATE TABLE t (n INT); INSERT INTO t VALUES (7); "
                                          "SELECT n FROM t; DROP TABLE t' app"), "7")
        self.assertNotEqual(self.sh("web-b", f"{as_app} 'SELECT 1 FROM mysql.user' 2>&1 || echo refused"), "1")
        ask("REVOKE INSERT ON app.* FROM app")
        self.differs("update account")
        self.apply()
        self.assertIn("INSERT", ask("SHOW GRANTS FOR app"))

    def test_4_a_deployment_loses_no_request(self):
        a, b = self.ids()
        since = time.time()
        with Balancer(self.cloud) as balancer:
            self.deploy("v2")
        self.assertEqual(self.order(since), [f"{what} {its}{more}" for its in (a, b) for what, more in (
            ("deregister", ""), ("swap", " v2"), ("register", ""))])
        self.assertEqual(balancer.failures, [])
        self.assertEqual({version for _, version in balancer.seen}, {"v1", "v2"})
        self.unchanged()
        self.assertEqual(self.sh("web-a", "cd /shared/configs && git log --format=%s"), "Version v2\nVersion v1")

    def test_5_a_version_that_fails_stops_the_deployment(self):
        a, _ = self.ids()
        since = time.time()
        with Balancer(self.cloud) as balancer:
            said = self.deploy("broken", code=1)
        self.assertIn('app["web-a"]', said)
        self.assertIn("was rolled back", said)
        self.assertEqual(self.order(since), [f"deregister {a}", f"swap {a} broken", f"swap {a} v2"])
        self.assertEqual((balancer.failures, {version for _, version in balancer.seen}), ([], {"v2"}))
        self.deploy("v2")  # back: the first host joins again
        self.assertEqual([what for _, what in self.events], [f"register {a}"])
        self.unchanged()

    def test_6_the_script_deploys_without_hadeploy(self):
        for host in ("web-a", "web-b"):  # its pauses are a tenth
            self.node(host).write("usr/local/sbin/sleep",
                                  '#!/bin/sh\nexec /bin/sleep "$(echo "$1" | awk \'{print $1 / 10}\')"\n', 0o755)
        with Balancer(self.cloud) as balancer:
            self.sh("web-a", "/shared/scripts/deploy v3")
            said = self.sh("web-b", "/shared/scripts/deploy broken 2>&1 && echo done || echo stopped")
        self.assertIn("deploy-host: version broken does not respond, so v3 is started again", said)
        self.assertTrue(said.endswith("stopped"), said)
        self.assertEqual(balancer.failures, [])
        self.assertEqual({version for _, version in balancer.seen}, {"v2", "v3"})
        self.assertEqual({page(one.private, "/")[1] for one in self.cloud.machines.values()}, {"v3"})
        for host in ("web-a", "web-b"):
            (self.node(host).upper / "usr/local/sbin/sleep").unlink()
        self.apply()  # the version of the spec again
        self.assertEqual({page(one.private, "/")[1] for one in self.cloud.machines.values()}, {"v2"})

    def test_7_destroy_removes_the_machines_without_changing_them(self):
        begun = time.time()
        last = [one.deployed() for one in self.cloud.machines.values()]
        uppers = [one.upper for one in self.cloud.machines.values()]
        self.destroy()
        self.nothing_is_left()
        self.assertEqual(self.cloud.machines, {})
        self.assertEqual(len(last), 2)
        for upper in uppers:  # nothing was removed on a machine that ends anyway
            self.assertTrue((upper / "etc/deploy/key").exists())
        print(f"destroy: {time.time() - begun:.0f} s", flush=True)


def page_works(cloud, instance):
    try:
        return page(cloud.machines[instance].private, "/ping")[0] == "pong\n"
    except (OSError, KeyError):
        return False


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    unittest.main(failfast=True)
