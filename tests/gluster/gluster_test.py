"""A real Gluster pool of up to five machines: a machine that is lost with its disk, 3 -> 5 -> 3, and kills.

Needs root and glusterd; without them the test counts as skipped.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parents[1] / "cli")]
from peers import Lab, why_not  # noqa: E402
import skips  # noqa: E402

BUILD = pathlib.Path(os.environ["HADEPLOY_BUILD"])
SPEC = """
name: gluster
variables:
  hosts: {{type: map(ipv4), default: {hosts}}}
resources:
  machine:
    type: ssh.host
    for_each: ${{var.hosts}}
    address: ${{each.value}}
    user: root
    private_key_file: {root}/key
    host_key: "{host_key}"
  names:
    type: host.hosts
    for_each: ${{machine[*].connection}}
    host: ${{each.value}}
    entries: ${{var.hosts}}
  pool:
    type: gluster.pool
    hosts: ${{machine[*].connection}}
    depends_on: [names]
  volume:
    type: gluster.volume
    hosts: ${{machine[*].connection}}
    name: vol0
    replica: ${{length(var.hosts)}}
    brick: /mnt/bricks/vol0
    heal_timeout: 2m
{options}    depends_on: [pool]
"""
WHY_NOT = why_not()


@unittest.skipIf(WHY_NOT, WHY_NOT)
class RealGluster(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.end)
        self.project = self.lab.root / "project"
        self.project.mkdir()
        self.environment = dict(os.environ, HOME=str(self.project))

    def want(self, count, options="{}"):
        hosts = ", ".join(f"node{n}: 10.99.0.{10 + n}" for n in range(1, count + 1))
        (self.project / "hadeploy.yaml").write_text(SPEC.format(
            hosts="{" + hosts + "}", root=self.lab.root, host_key=self.lab.host_key,
            options="" if options is None else f"    options: {options}\n"))

    def argv(self, *words):
        # only the network and the mounts of the bridge's namespaces
        return ["nsenter", "-t", self.lab.switch.pid, "-n", "-m", "--wd=" + str(self.project),
                str(BUILD / "hadeploy"), *words]

    def hadeploy(self, *words, code=0):
        done = subprocess.run(self.argv(*words), capture_output=True, text=True, timeout=300,
                              env=self.environment, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}")
        return done.stdout + done.stderr

    def apply(self, *words, **more):
        return self.hadeploy("apply", "--auto-approve", *words, **more)

    def nothing_to_do(self):
        plan = json.loads(self.hadeploy("plan", "--json").splitlines()[-1])
        self.assertEqual([(s["address"], s["action"], s["verb"]) for s in plan["steps"]], [])

    def on(self, name, script, **more):
        return self.lab.machines[name].run("sh", "-c", script, **more).stdout

    def uuid(self, name):
        return self.on(name, "sed -n 's/^UUID=//p' /var/lib/glusterd/glusterd.info || :").strip()

    def write(self, name, file, text):
        """Through a mount, as an app does."""
        self.lab.mount(name)
        self.on(name, f"printf %s '{text}' >/run/v/{file} && sync && umount /run/v")

    def assert_on_bricks(self, count, files):
        for n in range(1, count + 1):
            for file, text in files.items():
                self.assertEqual(self.on(f"node{n}", f"cat /mnt/bricks/vol0/{file}"), text, f"node{n} {file}")

    def test_lost_machine(self):
        """The first host by name, which hadeploy asks first, is lost with its disk."""
        for name in ("node1", "node2", "node3"):
            self.lab.start(name)
        self.want(3)
        self.apply()
        self.nothing_to_do()
        self.write("node2", "before", "one")
        uuid, volume = self.uuid("node1"), self.on("node2", "sed -n s/^volume-id=//p /var/lib/glusterd/vols/vol0/info")
        self.lab.lose("node1")
        self.write("node3", "meanwhile", "two")
        self.lab.start("node1")
        self.assertNotEqual(self.uuid("node1"), uuid)

        # killed with the first changes under way, then resumed
        run = subprocess.Popen(self.argv("apply", "--auto-approve"), env=self.environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        end = time.monotonic() + 60
        while self.uuid("node1") != uuid and time.monotonic() < end:
            time.sleep(0.1)
        run.send_signal(signal.SIGKILL)
        run.wait()
        run.stdout.close()
        said = self.apply()
        self.assertIn("waiting until every brick has all files", said)
        self.nothing_to_do()
        self.assertEqual(self.uuid("node1"), uuid)
        self.assertEqual(self.on("node1", "sed -n s/^volume-id=//p /var/lib/glusterd/vols/vol0/info"), volume)
        self.assert_on_bricks(3, {"before": "one", "meanwhile": "two"})

    def test_option_that_does_not_exist(self):
        self.lab.start("node1")
        self.want(1, '{nonsense.option: "1"}')
        said = self.apply(code=1)
        headline = next(line for line in said.splitlines() if ": error: " in line)
        self.assertIn("option : nonsense.option does not exist", headline, said)
        self.want(1)
        self.apply()
        self.nothing_to_do()

    def test_growth(self):
        for n in range(1, 6):
            self.lab.start(f"node{n}")
        self.want(3)
        self.apply()
        self.write("node1", "three", "a")
        self.want(5)
        plan = self.hadeploy("plan")
        self.assertIn("3 -> 5 copies, a majority is 3", plan)
        self.apply()
        self.nothing_to_do()
        self.assert_on_bricks(5, {"three": "a"})
        self.write("node5", "five", "b")
        self.assert_on_bricks(5, {"three": "a", "five": "b"})

        # a brick that stays does not run: the others are not removed
        self.on("node2", "kill $(pgrep -f '[g]lusterfsd.*node2')")
        self.want(3)
        self.assertIn("the brick node2:/mnt/bricks/vol0 does not run", self.apply(code=1))
        self.want(5)
        self.apply()
        self.want(3)
        self.apply()
        self.nothing_to_do()
        self.assert_on_bricks(3, {"three": "a", "five": "b"})
        self.assertEqual(self.on("node4", "ls -A /mnt; gluster pool list | grep -c Connected"), "1\n")
        self.assertEqual(self.on("node1", "gluster pool list | grep -c Connected"), "3\n")


if __name__ == "__main__":
    skips.main()
