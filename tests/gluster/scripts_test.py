"""The scripts of gluster.pool and gluster.volume on real peers, in the order in which a change runs them.

A machine that is lost with its disk, 3 -> 5 -> 3 copies, refusals; needs no program. gluster_test.py does the
same by the program.
"""
import concurrent.futures
import pathlib
import shlex
import subprocess
import sys
import time
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parents[1] / "cli")]
from peers import Lab, why_not  # noqa: E402
import skips  # noqa: E402

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "src/providers/ssh/scripts"
WHY_NOT = why_not()


def text(*names):
    return "".join((SCRIPTS / f"{name}.sh").read_text() + "\n" for name in names)


def bricks(numbers, separator="\n"):
    return separator.join(f"node{n}:/mnt/bricks/vol0" for n in numbers)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Scripts(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.end)

    def start(self, n):
        self.lab.start(f"node{n}")
        self.on(n, "for i in 1 2 3 4 5; do echo 10.99.0.1$i node$i >>/etc/hosts; done")

    def on(self, n, script):
        return self.lab.machines[f"node{n}"].run("sh", "-c", script).stdout

    def run_script(self, n, body, stdin="", status=0, **variables):
        lines = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in variables.items())
        script = text("place") + "set -eu\n" + text("seconds", "gluster_functions") + lines + body
        done = subprocess.run(self.lab.machines[f"node{n}"].argv("sh", "-c", script), input=stdin,
                              capture_output=True, text=True, timeout=200)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def pool(self, numbers):
        hosts = "\n".join(f"node{n} 10.99.0.1{n}" for n in numbers)
        known = ""
        for n in numbers:
            done = self.run_script(n, text("gluster_pool_own", "gluster_pool_ask"), status=None, hosts=hosts)
            if done.returncode == 0:
                known = done.stdout
                break
        for n in numbers:
            back = self.run_script(n, text("gluster_pool_return"), known, name=f"node{n}", address=f"10.99.0.1{n}")
            self.assertEqual(back.stdout, known)
        for n in numbers:
            if self.run_script(n, text("gluster_pool_own", "gluster_pool_join"), known, status=None,
                               hosts=hosts).returncode == 0:
                return
        self.fail("nobody is in the pool")

    def volume(self, n, scripts, stdin="", **variables):
        return self.run_script(n, text("gluster_volume_functions", *scripts.split()), stdin, volume="vol0",
                               brick="/mnt/bricks/vol0", identity="11111111-2222-5333-8444-555555555555",
                               marker="/var/lib/hadeploy/gluster.volume.vol0", **variables)

    def prepare(self, n, stdin="", find=False):
        scripts = "gluster_brick_prepare" + (" gluster_brick_find" if find else "")
        return self.volume(n, scripts, stdin, name=f"node{n}:/mnt/bricks/vol0").stdout

    def give_back(self, n, numbers, stdin, **more):
        return self.volume(n, "gluster_brick_return", stdin, name=f"node{n}:/mnt/bricks/vol0",
                           listed=f"node{n}:-mnt-bricks-vol0", bricks=bricks(numbers), replica=len(numbers), **more)

    def update(self, count, stdin="", add=""):
        self.volume(1, "gluster_volume_update", stdin, unset="", settings="", group="", start="start", add=add,
                    rebalance="", count=count, stop="")
        self.volume(1, "gluster_volume_heal", count=count, patience=100)

    def write(self, n, name):
        """Through a mount, as an app does."""
        self.on(n, f"""mkdir -p /run/v
            glusterfs --volfile-server=127.0.0.1 --volfile-id=vol0 /run/v </dev/null >/dev/null 2>&1
            for i in 1 2 3 4 5 6 7 8 9 10; do mountpoint -q /run/v && break; sleep 1; done
            mountpoint -q /run/v && echo {name} >/run/v/{name} && sync && umount /run/v""")

    def assert_on_bricks(self, numbers, names):
        for n in numbers:
            for name in names:
                self.assertEqual(self.on(n, f"cat /mnt/bricks/vol0/{name}"), name + "\n", f"node{n}")

    def test_lost_machine_and_growth(self):
        for n in range(1, 6):
            self.start(n)
        self.pool((1, 2, 3))
        for n in (1, 2, 3):
            self.prepare(n)
        self.volume(1, "gluster_volume_make", create="replica 3 " + bricks((1, 2, 3), " "), group="",
                    settings="network.ping-timeout 5", count=3, started=1)
        self.write(2, "before")
        uuid = self.on(1, "grep UUID /var/lib/glusterd/glusterd.info")

        self.lab.lose("node1")
        self.write(3, "meanwhile")
        self.start(1)
        self.pool((1, 2, 3))
        self.assertEqual(self.on(1, "grep UUID /var/lib/glusterd/glusterd.info"), uuid)
        found = ""
        for n in (1, 2, 3):
            found = self.prepare(n, found, find=True)
        self.assertEqual(found, "lost node1:/mnt/bricks/vol0\n")
        all_lost = "".join(f"lost node{n}:/mnt/bricks/vol0\n" for n in (1, 2, 3))
        refused = self.give_back(1, (1, 2, 3), all_lost, status=1)
        self.assertIn("no brick with a copy of the files is left", refused.stderr)
        self.assertEqual(self.on(1, "ls -A /mnt/bricks"), "")
        for n in (1, 2, 3):
            self.assertEqual(self.give_back(n, (1, 2, 3), found).stdout, found)
        self.update(3, found)
        self.assert_on_bricks((1, 2, 3), ("before", "meanwhile"))

        self.pool((1, 2, 3, 4, 5))
        for n in (4, 5):
            self.prepare(n)
        self.update(5, add="replica 5 " + bricks((4, 5), " "))
        self.assert_on_bricks((1, 2, 3, 4, 5), ("before", "meanwhile"))
        self.write(5, "five")
        self.assert_on_bricks((1, 2, 3, 4, 5), ("five",))

        shrink = {"remove": bricks((4, 5), " "), "leaving": 2, "keep": bricks((1, 2, 3)), "replica": 3,
                  "count": 5, "patience": 60}
        self.on(2, "kill $(pgrep -f '[g]lusterfsd.*node2')")
        time.sleep(1)
        refused = self.volume(1, "gluster_volume_shrink", status=1, **shrink)
        self.assertIn("the brick node2:/mnt/bricks/vol0 does not run", refused.stderr)
        self.update(5)
        self.lab.stop("node5")  # one of those that leave may be dead
        time.sleep(8)
        self.volume(1, "gluster_volume_shrink", **shrink)
        self.volume(4, "gluster_brick_remove", listed="node4:-mnt-bricks-vol0")
        self.update(3)
        self.assert_on_bricks((1, 2, 3), ("before", "meanwhile", "five"))
        self.assertEqual(self.on(4, "ls -A /mnt"), "")
        self.run_script(1, text("gluster_pool_own", "gluster_pool_detach"),
                        hosts="node4 10.99.0.14\nnode5 10.99.0.15")
        self.assertEqual(self.on(1, "gluster pool list | grep -c Connected"), "3\n")

    def test_status_of_a_volume_that_a_lost_member_keeps_locked(self):
        for n in (1, 2, 3):
            self.start(n)
        self.pool((1, 2, 3))
        for n in (1, 2, 3):
            self.prepare(n)
        self.volume(1, "gluster_volume_make", create="replica 3 " + bricks((1, 2, 3), " "), group="",
                    settings="network.ping-timeout 5", count=3, started=1)
        probe = lambda: self.volume(2, "gluster_volume_probe", group="", recorded=1).stdout
        self.assertEqual(probe().count("<status>1</status>"), 3 + 3)  # with the self-heal daemons
        # as after a power cut: nobody closes its connections
        self.on(1, "kill -STOP $(cat /run/glusterd.pid)")
        unknown = probe()
        self.assertNotIn("== status", unknown)
        self.assertNotIn("== refused", unknown)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked_again = pool.submit(probe)
            for _ in range(30):
                if "Another transaction" in self.on(2, "cat /var/log/glusterfs/cmd_history.log"):
                    break
                time.sleep(1)
            else:
                self.fail("the volume is not locked: this test checks nothing")
            self.on(1, "kill -CONT $(cat /run/glusterd.pid)")
            self.assertIn("== status", asked_again.result())
        self.assertEqual(probe().count("Number of entries: 0"), 3)


if __name__ == "__main__":
    skips.main()
