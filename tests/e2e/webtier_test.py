"""A Java web app behind NGINX (training) and HAProxy (production), examples/web-tier, on real virtual machines.

Training on one machine: all behaviours, a restart, and rebuilt from nothing. Production on one machine, then on three,
of which one is lost. The tests depend on each other and run in the order of their names; the first failure ends them.

With HADEPLOY_E2E_PROJECT=DIR (an applied copy of the example) and HADEPLOY_E2E_ENV=NAME, a single test runs against
those machines, and keeps them.
"""
import csv
import os
import re
import subprocess
import sys
import time
import unittest

from cluster import LAB, Node, Story, http, run, virsh, wait_until

TRAINING, PRODUCTION = "10.80.0.11", "10.81.0.11"
NODES = {"prod1": PRODUCTION, "prod2": "10.81.0.12", "prod3": "10.81.0.13"}
# 5 requests a second from one client, until its standard input ends; prints the number of each result
CLIENT = """
import collections, select, sys, time, urllib.request, urllib.error
results = collections.Counter()
while not select.select([sys.stdin], [], [], 0.2)[0]:
    try: results[urllib.request.urlopen(sys.argv[1], timeout=20).status] += 1
    except Exception as error: results[repr(error)] += 1
print(dict(results))
"""


def status(url):
    """The status of a response; "000" if nothing listens."""
    return run(LAB, "exec", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", 20, url,
               check=False).stdout


def task(url, *options):
    """The service and the number of the task that responds."""
    found = re.search(r"(?i)^x-task: [\w-]+?_(\w+\.\d+)\.", http(url, "-o", "/dev/null", "-D", "-", *options), re.M)
    return found.group(1) if found else ""


def tasks(url, count=8):
    return {task(url) for _ in range(count)}


def notes(url):
    return http(url + "/notes").split()


def add(url, note):
    http(url + "/notes", "--data-urlencode", f"note={note}")


def servers(address):
    """The servers of the app that HAProxy's statistics show as up."""
    lines = http(f"http://{address}:1936/;csv").removeprefix("# ").splitlines()
    return sorted(row["svname"] for row in csv.DictReader(lines)
                  if row["pxname"] == "web" and row["svname"] != "BACKEND" and row["status"] == "UP")


class WebTier(Story):
    EXAMPLE = "web-tier"
    ENVIRONMENT = os.environ.get("HADEPLOY_E2E_ENV", "training")

    def node(self, address):
        return Node(address, self.project.output("ssh_key"))

    def scale(self, *numbers):
        for number in numbers:
            self.project.hadeploy("scale", number, "--auto-approve", "--progress", "plain")

    def has_servers(self, address, count):
        wait_until(f"{count} servers are up", lambda: len(servers(address)) == count, 180)

    # ------------------------------------------------------------------ training

    def test_01_training_from_nothing(self):
        print(self.project.apply().stdout[-1500:])
        wait_until("both instances serve", lambda: tasks(f"http://{TRAINING}") == {"web1.1", "web2.1"}, 120)
        self.assertEqual(task(f"http://{TRAINING}:8081"), "web1.1")
        self.assertEqual(task(f"http://{TRAINING}:8082"), "web2.1")
        self.assertIn("font-family", http(f"http://{TRAINING}/assets/style.css"))
        self.assertEqual(self.project.plan(), {})

    def test_02_the_instances_share_their_data(self):
        web1, web2 = f"http://{TRAINING}:8081", f"http://{TRAINING}:8082"
        add(web1, "one")
        add(web2, "two")
        self.assertEqual((notes(web1), notes(web2)), (["one", "two"],) * 2)
        self.node(TRAINING).sh("docker kill $(docker ps -q --filter name=web-tier_web)")
        wait_until("new instances have the data", lambda: notes(web1) == notes(web2) == ["one", "two"], 180)
        self.assertIn("fuse.glusterfs", self.node(TRAINING).sh("findmnt -n -o FSTYPE /mnt/web-tier"))

    def test_03_no_web_apps_and_back(self):
        self.scale("web1=0", "web2=0")
        wait_until("NGINX finds no app", lambda: status(f"http://{TRAINING}/") == "502", 60)
        self.assertEqual(status(f"http://{TRAINING}/assets/style.css"), "200")
        self.scale("web2=1")
        wait_until("the app responds", lambda: status(f"http://{TRAINING}/") == "200", 60)
        self.assertEqual(tasks(f"http://{TRAINING}", 4), {"web2.1"})

    def test_04_two_static_clash(self):
        done = self.project.hadeploy("plan", "--var", "static=2", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("port 80 would be published twice on train1: by static.1 of module.site.stack and by static.2 of "
                      "module.site.stack", done.stdout + done.stderr)
        self.assertEqual(status(f"http://{TRAINING}/"), "200")

    def test_05_no_static(self):
        self.scale("static=0", "web1=1")
        wait_until("nothing listens", lambda: status(f"http://{TRAINING}/") == "000", 60)
        wait_until("the apps respond at their ports", lambda: (
            task(f"http://{TRAINING}:8081"), task(f"http://{TRAINING}:8082")) == ("web1.1", "web2.1"), 120)
        self.scale("static=1")
        wait_until("NGINX is back", lambda: tasks(f"http://{TRAINING}") == {"web1.1", "web2.1"}, 120)

    def benchmark(self, service, url):
        text = self.project.hadeploy("exec", service, "--", "ab", "-n", "1000", "-c", "10", url).stdout
        self.assertRegex(text, r"Complete requests: +1000\n")
        self.assertRegex(text, r"Failed requests: +0\n")
        self.assertNotIn("Non-2xx", text)
        print(re.search(r"Requests per second.*", text).group(), re.search(r" 99% +\d+", text).group(), flush=True)

    def test_06_benchmark(self):
        self.benchmark("static", "http://static:8080/")

    def test_07_logs_in_one_place(self):
        http(f"http://{TRAINING}/notes?found=here")
        path = "/var/lib/docker/volumes/web-tier_logs/_data"
        found = lambda: self.node(TRAINING).sh(f"grep -rl 'found=here' {path}", check=False)
        wait_until("the request is in the logs of both", lambda: "/web-tier_static.1." in found() and
                   "/web-tier_web" in found(), 60)
        self.assertIn("found=here", self.project.hadeploy("logs", "static", "--tail", "50").stdout)

    def test_08_status_images_clean(self):
        self.assertIn("hadeploy/web-tier-app:", self.project.hadeploy("images").stdout)
        self.project.hadeploy("clean", "--auto-approve")
        self.assertEqual(self.node(TRAINING).sh("docker ps -aq --filter status=exited"), "")
        self.assertIn("module.site.stack", self.project.hadeploy("status").stdout)

    def test_09_the_machine_restarts(self):
        virsh("destroy", "train1")
        time.sleep(2)
        virsh("start", "train1")
        wait_until("the site is back by itself", lambda: tasks(f"http://{TRAINING}") == {"web1.1", "web2.1"}, 400)
        self.assertEqual(notes(f"http://{TRAINING}"), ["one", "two"])

    def test_10_down_and_rebuilt_with_the_same_result(self):
        images = lambda: self.node(TRAINING).sh("docker images -q --no-trunc | sort -u")
        before = images()
        self.project.hadeploy("destroy", "--auto-approve", "--allow-data-loss", "--progress", "plain")
        self.assertEqual(virsh("list", "--all", "--name"), self.before)
        self.assertEqual(self.project.hadeploy("state", "list").stdout, "")
        self.project.apply()
        self.assertEqual(images(), before)
        wait_until("both instances serve", lambda: tasks(f"http://{TRAINING}") == {"web1.1", "web2.1"}, 120)
        self.assertEqual(notes(f"http://{TRAINING}"), [])
        self.assertEqual(self.project.plan(), {})
        self.project.hadeploy("destroy", "--auto-approve", "--allow-data-loss", "--progress", "plain")

    # ------------------------------------------------------------------ production

    def test_11_production_from_nothing(self):
        self.project.environment = "production"
        print(self.project.apply().stdout[-1500:])
        wait_until("both instances serve", lambda: tasks(f"http://{PRODUCTION}") == {"web.1", "web.2"}, 120)
        self.has_servers(PRODUCTION, 2)
        self.assertIn("font-family", http(f"http://{PRODUCTION}/assets/style.css"))
        self.assertEqual(self.project.plan(), {})

    def test_12_tls(self):
        self.tls(PRODUCTION)
        self.assertNotEqual(run(LAB, "exec", "curl", "-s", f"https://{PRODUCTION}/ping", check=False).returncode, 0)

    def tls(self, address):
        authority = self.project.root / "authority.pem"
        authority.write_text(self.project.output("authority"))
        self.assertEqual(http(f"https://{address}/ping", "--cacert", authority), "pong\n")
        self.assertEqual(http("https://web.example.org/ping", "--cacert", authority,
                              "--resolve", f"web.example.org:443:{address}"), "pong\n")

    def under_load(self, address, change):
        client = subprocess.Popen([LAB, "exec", sys.executable, "-c", CLIENT, f"http://{address}/"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            change()
            return client.communicate("", timeout=120)[0]
        finally:
            client.kill()

    def test_13_haproxy_follows_without_a_failed_request(self):
        def change():
            self.scale("web=3")
            self.has_servers(PRODUCTION, 3)
            self.node(PRODUCTION).sh("docker service update --quiet --force web-tier_web", timeout=900)
            self.has_servers(PRODUCTION, 3)
            self.scale("web=2")
            self.has_servers(PRODUCTION, 2)

        results = self.under_load(PRODUCTION, change)
        print(results, flush=True)
        self.assertRegex(results, r"^\{200: \d+\}$")

    def test_14_sessions_stick_and_move(self):
        out = http(f"http://{PRODUCTION}/", "-o", "/dev/null", "-D", "-")
        cookie = re.search(r"(?i)^set-cookie: (SERVER=[^;]+)", out, re.M).group(1)
        name = re.search(r"(?i)^x-task: (\S+)", out, re.M).group(1)
        answers = lambda: re.search(r"(?i)^x-task: (\S+)", http(
            f"http://{PRODUCTION}/", "-o", "/dev/null", "-D", "-", "-b", cookie), re.M).group(1)
        self.assertEqual({answers() for _ in range(5)}, {name})
        self.node(PRODUCTION).sh(f"docker kill $(docker ps -q --filter name={name})")
        wait_until("the session has moved", lambda: answers() != name, 60)
        self.has_servers(PRODUCTION, 2)

    def test_15_benchmark(self):
        self.benchmark("proxy", "http://localhost:8080/")

    def test_16_three_machines(self):
        add(f"http://{PRODUCTION}", "kept")
        self.project.variables["nodes"] = NODES
        print(self.project.apply(timeout=3600).stdout[-1500:])
        for address in NODES.values():
            wait_until(f"{address} serves", lambda: notes(f"http://{address}") == ["kept"], 180)
            self.has_servers(address, 2)
            self.tls(address)
        self.assertEqual(self.project.plan(), {})
        bricks = self.node(PRODUCTION).sh("gluster volume info web-tier")
        self.assertIn("Number of Bricks: 1 x 3 = 3", bricks)
        self.scale("web=3")
        self.has_servers(PRODUCTION, 3)
        found = lambda: self.node(PRODUCTION).sh("grep -rl 'found=there' /var/lib/docker/volumes/web-tier_logs/_data",
                                                 check=False)
        http(f"http://{NODES['prod2']}/notes?found=there")
        wait_until("the logs of the other machines are on the first one", found, 60)

    def test_17_a_machine_is_lost(self):
        virsh("destroy", "prod3")
        rest = [PRODUCTION, NODES["prod2"]]
        for address in rest:
            wait_until(f"{address} serves and stores", lambda: (
                add(f"http://{address}", f"at-{address}"), f"at-{address}" in notes(f"http://{address}"))[1], 180)
            self.has_servers(address, 3)  # its instance runs elsewhere
        both = [notes(f"http://{address}") for address in rest]
        self.assertEqual(both[0], both[1])
        virsh("start", "prod3")
        wait_until("the machine is back with all data", lambda: notes(f"http://{NODES['prod3']}") == both[0], 600)
        wait_until("nothing is to do", lambda: self.project.plan() == {}, 600)

    def test_18_nothing_is_left(self):
        self.project.hadeploy("destroy", "--auto-approve", "--allow-data-loss", "--progress", "plain")
        self.assertEqual(virsh("list", "--all", "--name"), self.before)
        self.assertEqual(self.project.hadeploy("state", "list").stdout, "")


if __name__ == "__main__":
    unittest.main(failfast=True, verbosity=2)
