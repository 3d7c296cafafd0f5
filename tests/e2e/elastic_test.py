"""HAProxy and web containers that find each other by gossip (examples/elastic-lb), on a real virtual machine.

Containers join in any order, HAProxy follows them without a dropped connection, sessions stick, a killed container
is replaced, and each process has its log. The tests depend on each other and run in the order of their names; the
first failure ends them. Several machines are not covered.

With HADEPLOY_E2E_PROJECT=DIR (an applied copy of the example), a single test runs against that machine, and
keeps it.
"""
import csv
import re
import subprocess
import sys
import unittest

from cluster import BUILD, LAB, Node, Story, http, run, virsh, wait_until

ADDRESS = "10.79.0.11"
URL = f"http://{ADDRESS}"
# 10 requests a second from one client, until its standard input ends; prints the number of each result
CLIENT = """
import collections, select, sys, time, urllib.request, urllib.error
results = collections.Counter()
while not select.select([sys.stdin], [], [], 0.1)[0]:
    try: results[urllib.request.urlopen(sys.argv[1], timeout=10).status] += 1
    except Exception as error: results[repr(error)] += 1
print(dict(results))
"""


def request(cookie=""):
    """The task that has answered, and the cookie that it set, if any."""
    out = http(URL + "/", "-D", "-", *(["-b", f"SERVERID={cookie}"] if cookie else []))
    task = re.search(r"(?i)^x-version: (\S+)", out, re.M).group(1)
    found = re.search(r"(?i)^set-cookie: SERVERID=([^;]+)", out, re.M)
    return task, found.group(1) if found else ""


def servers():
    """The servers that HAProxy's statistics show as up."""
    lines = http(f"{URL}:1936/;csv").removeprefix("# ").splitlines()
    return sorted(row["svname"] for row in csv.DictReader(lines)
                  if row["pxname"] == "apps" and row["svname"] != "BACKEND" and row["status"] == "UP")


def run_client():
    return subprocess.Popen([LAB, "exec", sys.executable, "-c", CLIENT, URL + "/"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


class Elastic(Story):
    EXAMPLE = "elastic-lb"
    VARIABLES = {"program": str(BUILD / "services" / "hello")}

    def node(self):
        return Node(ADDRESS, self.project.output("ssh_key"))

    def has(self, count):
        wait_until(f"{count} servers are up", lambda: len(servers()) == count, 90)

    def test_01_from_nothing(self):
        print(self.project.apply().stdout[-1500:])
        self.has(2)
        wait_until("both containers serve", lambda: len({request()[0] for _ in range(6)}) == 2, 60)
        self.assertEqual(self.project.plan(), {})

    def test_02_sessions_stick(self):
        tasks = {}
        for _ in range(4):
            task, cookie = request()
            tasks[cookie] = task
        self.assertEqual(sorted(tasks), servers())
        for cookie, task in tasks.items():
            self.assertEqual({request(cookie) for _ in range(5)}, {(task, "")})

    def test_03_one_number_under_load_without_a_failed_request(self):
        _, cookie = request()
        task = request(cookie)[0]
        client = run_client()
        self.addCleanup(client.kill)
        for count in (5, 2):
            self.project.variables["apps"] = count
            self.assertEqual(list(self.project.plan()), ["module.lb.stack"])
            self.project.apply()
            self.has(count)
            if count == 5:
                self.assertEqual(request(cookie), (task, ""))  # after a reload
        results, _ = client.communicate("", timeout=60)
        print(results)
        self.assertRegex(results, r"^\{200: \d+\}$")

    def test_04_a_killed_container_leaves_and_its_sessions_move(self):
        _, cookie = request()
        self.node().sh(f"docker kill {cookie}")
        wait_until("the server is out", lambda: cookie not in servers(), 15)
        task, new = request(cookie)
        self.assertTrue(task and new and new != cookie)
        self.has(2)  # the swarm has started another one

    def test_05_the_balancer_starts_after_the_apps(self):
        self.node().sh("docker kill $(docker ps -q --filter name=elastic_ha)")
        wait_until("the new one knows the apps", lambda: len(servers()) == 2, 90)

    def test_06_a_process_that_ends_is_started_again(self):
        container = self.node().sh("docker ps -q --filter name=elastic_app | head -n 1")
        self.node().sh(f"docker exec {container} sh -c 'kill -9 $(cat /proc/[0-9]*/stat | "
                       f"sed -n \"s/^\\([0-9]*\\) (app) .*/\\1/p\")'")
        self.has(2)
        self.assertEqual(self.node().sh(f"docker inspect -f '{{{{.State.Running}}}}' {container}"), "true")

    def test_07_logs_have_a_folder_for_each_process_of_a_task(self):
        request()
        path = "/var/lib/docker/volumes/elastic_logs/_data"
        wait_until("HAProxy's requests are there", lambda: self.node().sh(
            f"grep -rl 'apps/' {path}/elastic_ha.1.*.haproxy", check=False), 60)
        folders = self.node().sh(f"ls {path}")
        for pattern in (r"elastic_app\.1\.\w+\.serf", r"elastic_app\.2\.\w+\.serf", r"elastic_ha\.1\.\w+\.serf"):
            self.assertRegex(folders, pattern)

    def test_08_nothing_is_left(self):
        self.project.hadeploy("destroy", "--auto-approve", "--allow-data-loss", "--progress", "plain")
        self.assertEqual(virsh("list", "--all", "--name"), self.before)
        self.assertEqual(self.project.hadeploy("state", "list").stdout, "")


if __name__ == "__main__":
    unittest.main(failfast=True, verbosity=2)
