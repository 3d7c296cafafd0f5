"""A web site on a swarm of one machine (examples/single-node-swarm), on a real virtual machine.

Static and dynamic tasks, a scale by one number, metrics and alerts, central logs, a changed page, and a destroy.
The tests depend on each other and run in the order of their names; the first failure ends them. Several machines
are not covered.

With HADEPLOY_E2E_PROJECT=DIR (an applied copy of the example), a single test runs against that machine, and
keeps it.
"""
import json
import time
import unittest

from cluster import IMAGES, LAB, Node, Story, http, run, virsh, wait_until

URL = "http://10.78.0.11"


def get(path, port=80):
    return http(f"{URL}:{port}{path}")


def status(path):
    return run(LAB, "exec", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", 20, URL + path,
               check=False).stdout


def query(path):
    return json.loads(get("/api/v1/" + path, 9090))["data"]


class Site(Story):
    EXAMPLE = "single-node-swarm"
    VARIABLES = {"image": str(IMAGES / "hello.tar")}

    def node(self):
        return Node("10.78.0.11", self.project.output("ssh_key"))

    def replicas(self):
        lines = self.node().sh("docker service ls --format '{{.Name}} {{.Replicas}}'").splitlines()
        return {line.split()[0].removeprefix("companynews_"): line.split()[1] for line in lines}

    def test_01_from_nothing(self):
        print(self.project.apply().stdout[-1500:])
        wait_until("the page is served", lambda: "Company news" in get("/"), 60)
        wait_until("the app responds through NGINX", lambda: get("/news") == "hello world\n", 60)
        self.assertEqual(get("/ping"), "pong\n")
        self.assertEqual(self.replicas(), {"static": "1/1", "dynamic": "1/1", "prometheus": "1/1",
                                           "node-exporter": "1/1", "logs": "1/1"})
        self.assertEqual(self.project.plan(), {})

    def test_02_scaled_by_one_number(self):
        self.project.variables["dynamic"] = 2
        self.assertEqual(list(self.project.plan()), ["module.site.stack"])
        self.project.apply()
        self.assertEqual(self.replicas()["dynamic"], "2/2")
        before = self.node().sh("docker ps -q --filter name=companynews_static")
        count = lambda: [int(n) for n in self.node().sh(
            "for c in $(docker ps -q --filter name=companynews_dynamic); do"
            " nsenter -t $(docker inspect -f '{{.State.Pid}}' $c) -n cat /proc/net/snmp | awk '/^Tcp: [0-9]/ {print $7}';"
            " done").split()]
        opened = count()
        for _ in range(20):
            get("/news")
        more = [b - a for a, b in zip(opened, count())]
        self.assertEqual(len(more), 2)
        self.assertGreater(min(more), 4)  # passively opened connections: both tasks serve
        self.assertEqual(self.node().sh("docker ps -q --filter name=companynews_static"), before)

    def test_03_without_the_app_502_and_back(self):
        self.project.variables["dynamic"] = 0
        self.project.apply()
        wait_until("the app is gone", lambda: status("/news") == "502", 60)
        self.assertEqual(status("/"), "200")
        self.project.variables["dynamic"] = 1
        self.project.apply()
        wait_until("the app responds again", lambda: status("/news") == "200", 60)

    def test_04_metrics_and_alerts(self):
        up = lambda: {t["labels"]["job"]: t["health"] for t in query("targets")["activeTargets"]}
        wait_until("all targets respond", lambda: up() == {"prometheus": "up", "node": "up", "docker": "up"}, 120)
        value = lambda q: query("query?query=" + q)["result"][0]["value"][1]
        self.assertGreater(float(value("node_memory_MemAvailable_bytes")), 0)
        self.assertGreaterEqual(
            float(value("engine_daemon_container_states_containers%7Bstate=%22running%22%7D")), 5)
        names = {r["name"] for g in query("rules")["groups"] for r in g["rules"] if r["health"] == "ok"}
        self.assertLessEqual({"TargetDown", "DiskAlmostFull", "MemoryAlmostFull", "HealthChecksFail", "NoLeader"}, names)

    def test_05_drift_of_a_service_is_repaired(self):
        self.node().sh("docker service update --detach --constraint-add node.role==none companynews_node-exporter")
        self.assertIn("module.site.stack", self.project.plan())
        self.project.apply()
        self.assertEqual(self.replicas()["node-exporter"], "1/1")

    def test_06_logs_of_all_tasks_in_one_place(self):
        get("/news?found=in-the-logs")
        path = "/var/lib/docker/volumes/companynews_logs/_data"
        found = lambda: self.node().sh(f"grep -rl 'GET /news?found=in-the-logs' {path}", check=False)
        wait_until("the request is in the logs", found, 60)
        self.assertRegex(found(), r"/companynews_static\.1\.[a-z0-9]+/\d{4}-\d\d-\d\d\.log$")
        self.assertIn("companynews_dynamic.1.", self.node().sh(f"ls {path}"))
        # the same through hadeploy
        said = self.project.hadeploy("logs", "static", "--tail", "50").stdout
        self.assertIn("found=in-the-logs", said)

    def test_07_a_changed_page_rolls_out_and_the_old_one_is_removed(self):
        page = self.project.root / "modules/single-node-swarm/index.html"
        page.write_text(page.read_text().replace("Company news", "Changed news"))
        plan = self.project.plan()
        self.assertIn("module.site.page", plan)
        self.project.apply()
        wait_until("the new page is served", lambda: "Changed news" in get("/"), 60)
        configs = self.node().sh("docker config ls --format '{{.Name}}'").split()
        self.assertEqual(len([c for c in configs if c.startswith("companynews-page")]), 1, configs)
        self.assertEqual(self.project.plan(), {})

    def test_08_the_machine_restarts(self):
        virsh("destroy", "news1")
        time.sleep(2)
        virsh("start", "news1")
        wait_until("the site is back by itself", lambda: status("/") == "200" and status("/news") == "200", 300)

    def test_09_nothing_is_left(self):
        self.project.hadeploy("destroy", "--auto-approve", "--allow-data-loss", "--progress", "plain")
        self.assertEqual(virsh("list", "--all", "--name"), self.before)
        self.assertEqual(self.project.hadeploy("state", "list").stdout, "")


if __name__ == "__main__":
    unittest.main(failfast=True, verbosity=2)
