"""The HA demo on real virtual machines, from nothing to a measured failover and back to nothing.

The tests depend on each other and run in the order of their names; the first failure ends them. KVM (on
machines without it, which emulate), AWS, and hosts with another distribution are not covered.

HADEPLOY_E2E_STORY=short leaves out the longest tests: the moved write, the power cycles, new versions
(versions_story.py), killed drills (faults_story.py) and the existing machines.

To work on a single test: with HADEPLOY_E2E_PROJECT=DIR (an applied copy of examples/ha-demo),
`ha_demo_test.py HaDemo.test_07...` runs against that cluster, and keeps it.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import uuid

import kills
import faults_story
import versions_story
from cluster import BUILD, IMAGES, LAB, SOURCE, Node, Project, Story, http, run, virsh, wait_until

NAMES = ["node1", "node2", "node3"]
OWN_COMPOSE = """
services:
  hello:
    image: "${IMAGE}"
    command: ["--help-me"]
    environment: {DATABASE: "nowhere:1"}
    ports: ["5055:5000"]
    deploy: {replicas: 1}
"""
NODE_LOGS = """
journalctl -b -o short-precise --no-pager -n 2000 -u glusterd
journalctl -b -o short-precise --no-pager -n 5000 -u docker
for c in $(docker ps -aq); do docker inspect -f '== {{.Name}} {{.State.Status}}' $c; docker logs -t --tail 100 $c 2>&1; done
tail -n 300 /var/log/glusterfs/mnt-vol0.log
uptime; free -m; df -h / ; gluster pool list; gluster volume status
docker service ls; docker info --format '{{json .Swarm}}'; docker node ls
journalctl -b -o cat --no-pager -u docker -n 5000 | grep -v level=info | tail -20
"""


class HaDemo(versions_story.VersionsStory, faults_story.FaultsStory, Story):
    EXAMPLE = "ha-demo"
    VARIABLES = {"images": str(IMAGES)}

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            self.keep_logs()

    def keep_logs(self):
        """Saves the nodes' logs of a failure in files, and prints their ends."""
        try:
            nodes = self.nodes()
        except (AssertionError, ValueError, subprocess.TimeoutExpired):
            return  # it failed before there was a node
        for name, node in nodes.items():
            log = BUILD / f"{self._testMethodName}-{name}.log"
            try:
                log.write_text(node.sh(NODE_LOGS, check=False))
            except subprocess.TimeoutExpired as error:
                log.write_text(str(error))
            text = log.read_text().splitlines()
            print(f"--- {name}, in full in {log}:", *text[-40:], sep="\n", flush=True)

    def nodes(self):
        key = self.project.output("ssh_key")
        return {n: Node(a, key) for n, a in self.project.output("nodes").items()}

    def web(self, node="node1"):
        return self.project.output("web")[node]

    def app_is_well(self):
        """Checks that every node serves the whole app, and that all tasks run."""
        for name in NAMES:
            http(self.web(name) + "/readyz")
        services = self.nodes()["node1"].sh("docker service ls --format '{{.Name}} {{.Replicas}}'")
        for line in services.splitlines():
            have, want = line.split()[1].split("/")
            assert have == want, services
        return services

    def write(self, name):
        """Sends a write until it is acknowledged, as any client does; it has the same ID each time, so that
        it counts once. Returns the ID."""
        ident = uuid.uuid4().hex
        body = json.dumps({"name": name, "quantity": 1, "id": ident})
        wait_until("the write is acknowledged", lambda: http(
            self.web() + "/api/entities", "-X", "POST", "-H", "Content-Type: application/json",
            "-d", body), 120)
        return ident

    def written(self, ident):
        """Whether any page of the app's writes contains the write."""
        page = {"next": 0}
        while page["next"] is not None:
            page = json.loads(http(f"{self.web()}/api/writes?after={page['next']}"))
            if any(write["id"] == ident for write in page["writes"]):
                return True
        return False

    def test_01_killed_again_and_again_and_applied(self):
        machines = {}

        def made_once():
            for name in set(NAMES) & set(virsh("list", "--all", "--name").split()):
                uuid_now = virsh("domuuid", name)
                self.assertEqual(machines.setdefault(name, uuid_now), uuid_now, "a machine was created twice")

        layers = kills.sweep(self.project, "apply", kills.CREATING, made_once)
        made_once()
        self.assertEqual(sorted(machines), NAMES)
        print(f"{len(layers)} kills; interrupted: {sorted(set().union(*layers))}")
        self.assertGreaterEqual(len(layers), 12)
        self.assertEqual(set().union(*layers), {"machine", "guest", "cluster", "app"})
        self.assertEqual(kills.unfinished(self.project), {})

    def test_02_the_cluster_stands(self):
        node = self.nodes()["node1"]
        managers = node.sh("docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'")
        self.assertEqual(sorted(line.split()[0] for line in managers.splitlines()), NAMES)
        self.assertEqual(managers.count("Ready"), 3, managers)
        self.assertEqual(managers.count("Leader"), 1, managers)
        self.assertEqual(managers.count("Reachable"), 2, managers)
        volume = node.sh("gluster volume info vol0")
        self.assertIn("Status: Started", volume)
        self.assertIn("1 x 3 = 3", volume)
        self.assertEqual(node.sh("gluster pool list | grep -c Connected"), "3")
        for name, n in self.nodes().items():
            self.assertIn("fuse.glusterfs", n.sh("grep ' /mnt/vol0 ' /proc/mounts"), name)
            for other in NAMES:
                n.sh(f"getent hosts {other}")
            self.assertIn("docker", n.sh("id -nG ops").split())
        wait_until("the app answers on every node", self.app_is_well, 240)
        self.assertIn("<form", http(self.web("node2") + "/"))
        headers = http(self.web("node3") + "/", "-D", "-", "-o", "/dev/null")
        self.assertIn("no-store", headers.lower())

    def test_03_the_visualizer_shows_three_nodes(self):
        page = self.project.output("visualizer")["node2"]
        run(LAB, "exec", "node", BUILD / "tests" / "services" / "web" / "visualizer.mjs", page,
            "--nodes", "3", "--screenshot", BUILD / "visualizer.png")

    def test_04_nothing_to_change_in_one_exec_a_host(self):
        done = self.project.hadeploy("plan", "--detailed-exitcode", "--statistics", check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        figures = dict(re.findall(r"(\w+ \w+): (\d+)", done.stderr))
        self.assertEqual(figures["ssh execs"], "3", done.stderr)
        self.assertEqual(figures["ssh connections"], "3", done.stderr)
        self.assertLessEqual(int(figures["libvirt calls"]), 40, done.stderr)

    def test_05_drift_within_the_guests(self):
        nodes = self.nodes()
        nodes["node2"].sh("sed -i '/node3/d' /etc/hosts")
        nodes["node3"].sh("systemctl stop docker.socket docker")
        nodes["node1"].sh("docker service scale -d ha-demo_web=1; pkill -KILL -o glusterfsd")
        plan = self.project.plan()
        for address in ['names["node2"]', 'engine["node3"]', "app", "volume"]:
            self.assertIn("module.cluster." + address, plan)
        self.project.apply()
        self.assertIn("node3", nodes["node2"].sh("cat /etc/hosts"))
        self.assertEqual(nodes["node3"].sh("systemctl is-active docker"), "active")
        self.assertEqual(nodes["node1"].sh("pgrep -c glusterfsd"), "1")
        wait_until("the app works again", self.app_is_well, 240)
        self.assertEqual(self.project.plan(), {})

    def test_06_a_machine_that_is_off_is_started(self):
        virsh("destroy", "node2")
        plan = self.project.plan()
        self.assertEqual(plan['node["node2"]']["verb"], "start")
        self.assertEqual(plan['module.cluster.names["node2"]']["action"], "read")
        self.project.apply()
        wait_until("the app works again", self.app_is_well, 300)
        self.assertEqual(self.project.plan(), {})

    def drill(self, *words):
        """Runs a drill. Checks that it lost no acknowledged write and undid the fault, and returns the report."""
        done = self.project.hadeploy("chaos", *words, "--json", check=False)
        report = json.loads(done.stdout.splitlines()[-1])
        print(json.dumps({k: v for k, v in report.items() if k != "timeline"})[:1500])
        self.assertIn(done.returncode, (0, 3, 4), done.stderr)  # 4: the machine was busy
        results = {t["name"]: t for t in report["thresholds"]}
        if done.returncode != 0:  # the evidence: every request, and what the final read found
            (BUILD / f"{self.id().rsplit('.', 1)[-1]}.json").write_text(json.dumps(report))
            shutil.copy(self.project.directory / ".hadeploy" / "chaos-writes.log",
                        BUILD / f"{self.id().rsplit('.', 1)[-1]}-writes.log")
        lost = [t for name, t in results.items() if "lost" in name]
        undone = [t for name, t in results.items() if name.endswith(" undone")]
        self.assertTrue(lost and all(t["ok"] for t in lost), results)
        self.assertTrue(undone and all(t["ok"] for t in undone), results)
        return report

    def test_07_a_drain_loses_no_acknowledged_write(self):
        before = self.write("kept")
        self.drill("--drain", "node2")
        wait_until("what was acknowledged before is there", lambda: self.written(before), 240)
        active = self.nodes()["node1"].sh("docker node ls --format '{{.Availability}}'")
        self.assertEqual(active.split(), ["Active"] * 3)

    def test_07b_a_power_cut_loses_no_acknowledged_write(self):
        wait_until("the app works", self.app_is_well, 240)
        before = self.write("powered")
        self.drill("--kill", "node3")
        self.assertIn("running", virsh("domstate", "node3"))
        wait_until("what was acknowledged before is there", lambda: self.written(before), 240)

    def test_07c_a_machine_lost_with_its_disk_comes_back_by_an_apply(self):
        wait_until("the app works", self.app_is_well, 240)
        ident = self.write("disk")
        virsh("destroy", "node2")
        virsh("undefine", "node2", "--remove-all-storage")
        self.project.apply()
        wait_until("the app works again", self.app_is_well, 300)
        node = self.nodes()["node2"]
        self.assertEqual(node.sh("gluster pool list | grep -c Connected"), "3")
        # the apply has waited for this; the app's writes since then may not be on the new brick yet
        unhealed = lambda: node.sh("gluster volume heal vol0 info | grep 'Number of entries'").splitlines()
        wait_until("the new brick has all files", lambda: unhealed() == ["Number of entries: 0"] * 3, 120)
        node.sh("test -n \"$(ls /gluster/brick1/vol0)\"")
        self.assertTrue(self.written(ident))
        self.assertEqual(self.project.plan(), {})

    def test_08_a_write_is_there_after_its_container_moved(self):
        ident = self.write("moved")
        node = self.nodes()["node1"]
        active = lambda: json.loads(http(self.web() + "/readyz"))["database"]  # its node
        at = active()
        node.sh(f"docker node update --availability drain {at}")
        wait_until("another database took over", lambda: active() != at, 120)
        wait_until("the write is read there", lambda: self.written(ident), 180)
        # the availability is an attribute in the spec: apply restores it
        plan = self.project.plan()
        self.assertIn(f'module.cluster.swarm["{at}"]', plan)
        self.project.apply()
        self.assertEqual(self.project.plan(), {})

    def power_cycle(self, names):
        for n in names:
            virsh("destroy", n)
        time.sleep(5)
        for n in names:
            virsh("start", n)

    def test_09_machines_that_come_back_by_themselves(self):
        wait_until("the app works", self.app_is_well, 240)
        ident = self.write("power")
        for names in (["node3"], ["node1", "node2"], NAMES):
            self.power_cycle(names)
            for n in names:
                node = self.nodes()[n]
                wait_until(f"{n} has the volume again",
                           lambda: "fuse.glusterfs" in node.sh("grep ' /mnt/vol0 ' /proc/mounts"), 300)
            wait_until("the app works without a human", self.app_is_well, 300)
            wait_until("the write is there", lambda: self.written(ident), 120)

    def test_10_a_destroy_killed_again_and_again(self):
        layers = kills.sweep(self.project, "destroy", kills.REMOVING_MACHINES, lambda: None)
        self.assertGreaterEqual(len(layers), 3)
        self.nothing_is_left()
        self.assertEqual(self.project.hadeploy("state", "list").stdout, "")

    def test_11_the_same_module_on_machines_that_exist(self):
        machines = Project("machines", spec=MACHINES)
        try:
            machines.apply()
            key = machines.output("ssh_key")
            hosts = machines.output("hosts")
            self.what_is_in_the_way_is_named(hosts, key)
            existing = Project("ha-demo-existing",
                               {"images": str(IMAGES), "ssh_key": key, "hosts": hosts})
            (existing.directory / "own.yml").write_text(OWN_COMPOSE)
            spec = (existing.directory / "hadeploy.yaml").read_text()
            spec = spec.replace("\nresources:\n", OWN_STACK, 1)
            (existing.directory / "hadeploy.yaml").write_text(spec)
            existing.apply()
            web = existing.output("web")
            wait_until("the app answers", lambda: http(web["node3"] + "/readyz"), 240)
            wait_until("the tester's own stack answers",
                       lambda: http(f"http://{hosts['node1']['address']}:5055/healthz"), 180)
            self.assertEqual(existing.plan(), {})
            layers = kills.sweep(existing, "destroy", kills.REMOVING_CLUSTER, lambda: None)
            self.assertGreaterEqual(len(layers), 4)
            for name, host in hosts.items():
                node = Node(host["address"], key)
                self.assertEqual(node.sh("docker info --format '{{.Swarm.LocalNodeState}}'"),
                                 "inactive", name)
                self.assertNotIn("/mnt/vol0", node.sh("cat /proc/mounts"), name)
                # Gluster's daemon is stopped again, as it was before
                self.assertEqual(node.sh("ls /var/lib/glusterd/peers"), "", name)
                self.assertEqual(node.sh("ls -d /mnt/vol0 /gluster/brick1/vol0 2>/dev/null || :"), "")
                self.assertNotIn("hadeploy", node.sh("cat /etc/hosts"))
            self.assertEqual(existing.hadeploy("state", "list").stdout, "")
            existing.remove()
        finally:
            machines.hadeploy("destroy", "--auto-approve", "--allow-data-loss",
                              "--progress", "plain", check=False)
            machines.remove()

    def what_is_in_the_way_is_named(self, hosts, key):
        """The plan reports foreign objects, which stay; an obstacle to a change fails only that change."""
        node1, node3 = Node(hosts["node1"]["address"], key), Node(hosts["node3"]["address"], key)
        node3.sh("set -e; docker swarm init --advertise-addr 10.77.0.13; mkdir /small; "
                 "mount -t tmpfs -o size=16k none /small")
        node1.sh("set -e; systemctl start glusterd; "
                 "gluster --mode=script volume create vol0 10.77.0.11:/elsewhere force; "
                 "systemd-run --quiet --unit=holder python3 -c 'import fcntl, time; "
                 "f = open(\"/var/lib/dpkg/lock-frontend\", \"w\"); fcntl.lockf(f, fcntl.LOCK_EX); "
                 "time.sleep(900)'")
        node1.sh("set -e; useradd -m -G sudo asks; cp -r ~ops/.ssh ~asks/; chown -R asks: ~asks/.ssh")
        asked = Project("asked", {"ssh_key": key, "host": hosts["node1"]}, spec=ASKED)
        self.errors_are(asked, [("login", "sudo requires a password", "NOPASSWD")], status=69)
        asked.remove()
        hindered = Project("hindered", {"ssh_key": key, "hosts": hosts}, spec=HINDERED)
        self.errors_are(hindered, [("swarm", "in a swarm", "docker swarm leave --force"),
                                   ("volume", "not created by this resource", "vol0")])
        self.assertIn("vol0", node1.sh("gluster volume list"))
        node1.sh("set -e; gluster --mode=script volume delete vol0; rm -rf /elsewhere")
        node3.sh("docker swarm leave --force")
        self.errors_are(hindered, [("large", "the disk is full", "/small"),
                                   ("package", "Could not get lock", "then apply again")])
        node1.sh("systemctl stop holder")
        node3.sh("umount /small; rmdir /small")
        # the other objects were created and recorded, and are removed again
        self.assertIn("swarm", hindered.hadeploy("state", "list").stdout)
        hindered.hadeploy("destroy", "--auto-approve", "--allow-data-loss", "--progress", "quiet")
        self.assertEqual(node3.sh("docker info --format '{{.Swarm.LocalNodeState}}'"), "inactive")
        hindered.remove()

    def errors_are(self, project, expected, status=1):
        """Checks that an apply fails with these errors, each with its resource, place, cause and remedy."""
        done = project.hadeploy("apply", "--auto-approve", "--progress", "quiet", check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        errors = done.stderr.split("\n\n")
        for address, cause, remedy in expected:
            error = next((e for e in errors if cause in e), "")
            self.assertIn(address, error, done.stderr)
            self.assertIn(remedy, error, done.stderr)
            self.assertRegex(error, r"hadeploy\.yaml:\d+:\d+", done.stderr)

    def test_12_nothing_is_left(self):
        self.nothing_is_left()

    def nothing_is_left(self):
        self.assertEqual(virsh("list", "--all", "--name"), self.before)
        self.assertNotIn("hadeploy", virsh("net-list", "--all", "--name"))
        self.assertNotIn("hadeploy", virsh("pool-list", "--all", "--name"))
        left = run("sh", "-c", "ls -d /var/lib/libvirt/images/hadeploy* "
                               "/var/lib/libvirt/dnsmasq/hadeploy*.hostsfile 2>/dev/null", check=False)
        self.assertEqual(left.stdout, "")


MACHINES = """
name: ha-demo
resources:
  operator: {type: ssh.key}
  lab: {type: libvirt.network, cidr: 10.77.0.0/24}
  pool: {type: libvirt.pool}
  base: {type: libvirt.volume, pool: "${pool.name}", bootstrap: {suite: bookworm, size: 8 GiB}}
  node:
    type: libvirt.domain
    for_each: {node1: 10.77.0.11, node2: 10.77.0.12, node3: 10.77.0.13}
    name: ${each.key}
    memory: 1 GiB
    vcpus: 1
    network: ${lab.name}
    address: ${each.value}
    base: ${base}
    ssh_key: ${operator}
outputs:
  ssh_key: ${operator.private_key_file}
  hosts: ${node[*].connection}
"""

ASKED = """
name: asked
variables:
  host: {type: any}
  ssh_key: {type: local_path}
resources:
  login:
    type: ssh.host
    address: ${var.host.address}
    user: asks
    host_key: ${var.host.host_key}
    private_key_file: ${var.ssh_key}
"""

HINDERED = """
name: hindered
variables:
  hosts: {type: map(any)}
  ssh_key: {type: local_path}
resources:
  host:
    type: ssh.host
    for_each: ${var.hosts}
    address: ${each.value.address}
    user: ${each.value.user}
    host_key: ${each.value.host_key}
    private_key_file: ${var.ssh_key}
  large:
    type: host.file
    host: ${host["node3"].connection}
    path: /small/large
    content: "%s"
  package:
    type: host.package
    host: ${host["node1"].connection}
    packages: [sl]
    lock_timeout: 2s
  swarm:
    type: docker.node
    host: ${host["node3"].connection}
    name: node3
    peers: ${host[*].connection}
  volume:
    type: gluster.volume
    hosts:
      node1: ${host["node1"].connection}
    name: vol0
    replica: 1
    brick: /gluster/brick1/vol0
""" % ("x" * 40000)

OWN_STACK = """
resources:
  own_stack:
    type: docker.stack
    hosts: ${host[*].connection}
    name: own
    compose: own.yml
    variables: {IMAGE: "${module.cluster.web_image}"}
    depends_on: [module.cluster]
"""

if __name__ == "__main__":
    sys.path.insert(0, str(SOURCE / "tests" / "e2e"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    story = None
    if os.environ.get("HADEPLOY_E2E_STORY") == "short":
        story = ["HaDemo." + t for t in unittest.defaultTestLoader.getTestCaseNames(HaDemo)
                 if re.match(r"test_(0[1-7][bc]?|10|12)_", t)]
    unittest.main(defaultTest=story, failfast=True, verbosity=2)
