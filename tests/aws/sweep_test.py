#!/usr/bin/env python3
"""Kills a real hadeploy before and after its requests to AWS, and lets the next run continue. The emulator keeps the
effects.

usage: sweep_test.py HADEPLOY [--points [--every N]]

The system of system.py is created, changed and destroyed. Without options, every run of a phase is killed at the first
change that no earlier run has requested, after its effect and before the response arrives. So each run gets one change
further than the run before, until a run reaches the end.

With --points, each run is killed at a single point: before the effect of each request of an undisturbed run, reads
included, and after the effect of each change. This takes an hour; --every N uses only every Nth point.

After each recovery nothing is left to change, and boto3 finds each object once, as after an undisturbed run; at the
end it finds nothing.
"""
import argparse
import collections
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

from emulator import ensure_moto

ensure_moto()
ARGUMENTS = argparse.ArgumentParser(description=__doc__)
ARGUMENTS.add_argument("hadeploy")
ARGUMENTS.add_argument("--points", action="store_true")
ARGUMENTS.add_argument("--every", type=int, default=1)
OPTIONS = ARGUMENTS.parse_args()
sys.argv = sys.argv[:2]
import project  # noqa: E402
import system  # noqa: E402
from project import HADEPLOY, Project  # noqa: E402

PHASES = {"create": ("apply", "--auto-approve"), "change": ("apply", "--auto-approve"),
          "destroy": ("destroy", "--auto-approve", "--allow-data-loss")}
SPECS = {"create": system.SYSTEM, "change": system.CHANGED, "destroy": system.CHANGED}
MOST_RUNS = 300  # of a phase: each has to get further
LEAST = {"create": 25, "change": 15, "destroy": 15}  # changes of a phase
LEAST_KILLS = {"create": 20, "change": 10, "destroy": 8}  # fewer than changes: several are sent at the same time
KINDS = (("vpcs", "Vpcs", "VpcId"), ("subnets", "Subnets", "SubnetId"),
         ("internet_gateways", "InternetGateways", "InternetGatewayId"),
         ("route_tables", "RouteTables", "RouteTableId"), ("security_groups", "SecurityGroups", "GroupId"),
         ("volumes", "Volumes", "VolumeId"), ("addresses", "Addresses", "AllocationId"),
         ("key_pairs", "KeyPairs", "KeyPairId"), ("launch_templates", "LaunchTemplates", "LaunchTemplateId"))


def setUpModule():
    global moto, proxy
    moto, proxy = project.start()


def is_change(action):
    return not action.startswith(("Describe", "Get"))


class Sweep(Project):
    def census(self):
        """The number of all objects of each kind, and of their parts."""
        out = {name: len(getattr(self.ec2, f"describe_{name}")()[key]) for name, key, _ in KINDS}
        out["instances"] = sorted(i["InstanceType"] for i in self.instances())
        out["rules"] = sorted((p.get("FromPort", 0), len(p["IpRanges"]), len(p["UserIdGroupPairs"]))
                              for g in self.ec2.describe_security_groups()["SecurityGroups"] for p in g["IpPermissions"])
        out["routes"] = sorted((r.get("DestinationCidrBlock", ""), "GatewayId" in r)
                               for t in self.ec2.describe_route_tables()["RouteTables"] for r in t["Routes"])
        out["associations"] = sum(len(t["Associations"]) for t in self.ec2.describe_route_tables()["RouteTables"])
        out["groups"] = [(g["HealthCheckPath"], len(self.elb.describe_target_health(
            TargetGroupArn=g["TargetGroupArn"])["TargetHealthDescriptions"]))
            for g in self.elb.describe_target_groups()["TargetGroups"]]
        out["listeners"] = sorted(one["Port"] for arn in self.balancers()
                                  for one in self.elb.describe_listeners(LoadBalancerArn=arn)["Listeners"])
        out["balancers"] = len(self.balancers())
        out["mounts"] = [len(self.efs.describe_mount_targets(FileSystemId=f["FileSystemId"])["MountTargets"])
                         for f in self.efs.describe_file_systems()["FileSystems"]]
        out["scaling"] = [(g["MaxSize"], len(g["Instances"]), len(g["TargetGroupARNs"]),
                           [p["ProcessName"] for p in g["SuspendedProcesses"]]) for g in self.scaling_groups()]
        out["ours"] = len(self.ours())
        return out

    def fresh(self):
        moto.reset()
        proxy.clear()
        shutil.rmtree(self.path / ".hadeploy", ignore_errors=True)
        self.theirs = self.census()

    def killed_at(self, is_point, words):
        """A run; is_point(action, params) says at which request it is killed, "before" or "after" its effect."""
        running, killed = threading.Event(), threading.Event()

        def fault(action, params, forward):
            when = None if killed.is_set() else is_point(action, params)
            if when is None:
                return "lost" if killed.is_set() else None
            running.wait()
            if when == "after":
                forward()
            killed.set()
            process.send_signal(signal.SIGKILL)
            return "lost"
        proxy.faults = [fault]
        process = subprocess.Popen([HADEPLOY, *words], cwd=self.path, env=self.environment(), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        running.set()
        text = process.communicate(timeout=300)[0]
        proxy.faults = []
        self.assertEqual(process.returncode, -signal.SIGKILL if killed.is_set() else 0, text)
        self.assertEqual(proxy.wrong, [])
        return killed.is_set()

    def check(self, phase):
        if phase == "destroy":
            self.assertEqual((self.census(), self.ours(), self.run_it("state", "list")), (self.theirs, [], ""))
            return
        self.unchanged()
        self.assertEqual(self.census(), self.golden[phase])

    def undisturbed(self):
        """Runs all phases; keeps their results and the requests of each."""
        self.golden, self.requests = {}, {}
        self.fresh()
        for phase, words in PHASES.items():
            self.spec(SPECS[phase])
            proxy.calls.clear()
            self.run_it(*words)
            self.requests[phase] = collections.Counter(proxy.calls)
            self.golden[phase] = self.census()
        self.assertEqual(self.golden["destroy"], self.theirs)
        for phase, least in LEAST.items():
            changes = sum(n for action, n in self.requests[phase].items() if is_change(action))
            self.assertGreaterEqual(changes, least, self.requests[phase])

    def chain(self):
        """Each run is killed at its first new change."""
        self.fresh()
        for phase, words in PHASES.items():
            begin = time.monotonic()
            self.spec(SPECS[phase])
            seen, lock = collections.Counter(), threading.Lock()

            def is_point(action, params):
                if not is_change(action):
                    return None
                # a request with a different identity or token is the same request
                what = action, *(v for k, v in sorted(params.items()) if "Token" not in k and "Tag" not in k)
                with lock:
                    seen[str(what)] += 1
                    return "after" if seen[str(what)] == 1 else None
            for runs in range(1, MOST_RUNS + 1):
                if not self.killed_at(is_point, words):
                    break
            else:
                self.fail(f"{phase}: no run reaches the end: {seen}")
            self.assertGreater(runs, LEAST_KILLS[phase], seen)
            self.check(phase)
            print(f"{phase}: {runs - 1} killed runs, {time.monotonic() - begin:.0f} s", flush=True)

    def points(self):
        """(action, which one, before or after) of each phase."""
        out = {}
        for phase, actions in self.requests.items():
            every = [(action, n, when) for action, count in sorted(actions.items()) for n in range(1, count + 1)
                     for when in ("before", "after")[:1 + is_change(action)]]
            out[phase] = every[::OPTIONS.every]
        return out

    def single(self):
        points = self.points()
        cycles = max(map(len, points.values()))
        for cycle in range(cycles):
            self.fresh()
            print(f"cycle {cycle + 1} of {cycles}", flush=True)
            for phase, words in PHASES.items():
                wanted = points[phase][cycle] if cycle < len(points[phase]) else ("", 0, "")
                count = collections.Counter()

                def is_point(action, params, wanted=wanted, count=count):
                    count[action] += 1
                    return wanted[2] if (action, count[action]) == wanted[:2] else None
                self.spec(SPECS[phase])
                try:
                    if self.killed_at(is_point, words):
                        self.run_it(*words)
                    self.check(phase)
                except Exception as error:
                    raise AssertionError(f"{phase}, killed at {wanted}: {error}") from error
        print("; ".join(f"{phase}: {len(every)} points" for phase, every in points.items()), flush=True)

    def test_runs_that_were_killed_are_continued(self):
        begin = time.monotonic()
        self.undisturbed()
        self.single() if OPTIONS.points else self.chain()
        print(f"sweep: all converged, in {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    unittest.main()
