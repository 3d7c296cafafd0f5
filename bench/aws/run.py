#!/usr/bin/env python3
"""Measures requests, time and memory of hadeploy with many AWS objects, on moto behind the proxy of the tests.

    cmake --preset release && cmake --build --preset release
    bench/aws/run.py build/release/hadeploy [--only refresh,system,apply] [--runs 3]

Each response is delayed by --delay seconds (50 ms). For plans, the proxy repeats moto's earlier responses, because moto
itself would take seconds for a thousand instances. Memory is the peak of the process (VmHWM).

refresh  plans without changes, of 100 and of 1,000 instances
system   plans without changes, of the system in tests/aws/system.py
apply    an apply that creates 200 instances, each of which takes 30 s to start
"""
import argparse
import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "aws"))
from emulator import Moto, Proxy, ensure_moto  # noqa: E402

ensure_moto()
import boto3  # noqa: E402

REGION = "eu-central-1"
IMAGE = "ami-12c6146b"


class Bench:
    def __init__(self, args, path):
        self.hadeploy, self.delay, self.path = os.path.abspath(args.hadeploy), args.delay, path
        self.runs = args.runs
        self.moto = Moto()
        self.proxy = Proxy(self.moto)
        self.ec2 = boto3.client("ec2", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x",
                                endpoint_url=f"http://127.0.0.1:{self.moto.port}")

    def fresh(self, spec):
        self.moto.reset()
        self.proxy.clear()
        subprocess.run(["rm", "-rf", str(self.path / ".hadeploy")], check=True)
        (self.path / "hadeploy.yaml").write_text(spec)

    def run(self, *words):
        """Returns the seconds and megabytes of a run."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.path), "AWS_ACCESS_KEY_ID": "AKIAX",
               "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": REGION, "AWS_ENDPOINT_URL": self.proxy.url,
               "AWS_EC2_METADATA_DISABLED": "true"}
        peak = 0
        with tempfile.TemporaryFile("w+") as out:
            begin = time.monotonic()
            process = subprocess.Popen([self.hadeploy, *words], cwd=self.path, env=env, stdout=out,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

            def watch():
                nonlocal peak
                while process.poll() is None:
                    try:
                        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                        peak = max(peak, int((re.search(r"VmHWM:\s+(\d+)", status) or [0, 0])[1]))
                    except OSError:
                        pass
                    time.sleep(0.003)
            watcher = threading.Thread(target=watch)
            watcher.start()
            process.wait()
            seconds = time.monotonic() - begin
            watcher.join()
            out.seek(0)
            if process.returncode != 0:
                sys.exit(f"{' '.join(words)}: exit {process.returncode}\n{out.read()}")
        return seconds, peak * 1024 / 1e6

    def replay(self):
        """Makes the proxy repeat moto's responses to identical requests."""
        known = {}

        def fault(action, params, forward):
            key = action, json.dumps(params, sort_keys=True)
            if key not in known:
                known[key] = forward()
            return known[key]
        self.proxy.faults = [fault]

    def plans(self, name):
        """Measures plans without changes."""
        self.replay()
        self.run("plan", "--detailed-exitcode")
        self.proxy.delay = self.delay
        results = []
        for _ in range(self.runs):
            self.proxy.calls.clear()
            results.append(self.run("plan", "--detailed-exitcode"))
        self.proxy.delay = 0
        seconds, megabytes = (statistics.median(r[i] for r in results) for i in (0, 1))
        calls = collections.Counter(self.proxy.calls)
        print(f"{name}: {sum(calls.values())} requests, {seconds:.2f} s, {megabytes:.0f} MB: {dict(calls)}", flush=True)

    def place(self):
        """A subnet of moto's default network, and its security group."""
        zone = [{"Name": "availability-zone", "Values": [f"{REGION}a"]}]
        subnet = self.ec2.describe_subnets(Filters=zone)["Subnets"][0]
        groups = self.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])
        return subnet["SubnetId"], groups["SecurityGroups"][0]["GroupId"]

    def refresh(self):
        for count in (100, 1000):
            self.fresh("")
            subnet, group = self.place()
            ids = [i["InstanceId"] for i in self.ec2.run_instances(
                ImageId=IMAGE, InstanceType="t3.micro", MinCount=count, MaxCount=count, SubnetId=subnet,
                MetadataOptions={"HttpTokens": "required"}, SecurityGroupIds=[group])["Instances"]]
            names = json.dumps({f"n{n}": its for n, its in enumerate(ids)})
            (self.path / "hadeploy.yaml").write_text(
                f"name: bench\nlocals:\n  ids: {names}\nresources:\n  node:\n    type: aws.instance\n"
                f"    for_each: ${{local.ids}}\n    image: {IMAGE}\n    instance_type: t3.micro\n"
                f"    subnet: {subnet}\n    security_groups: [{group}]\n"
                "import:\n  - {to: 'node[each.key]', id: '${each.value}', for_each: '${local.ids}'}\n")
            self.run("apply", "--auto-approve")
            self.plans(f"refresh of {count} instances")

    def system(self):
        import system  # with a command line of its own
        self.fresh(f"name: bench\nresources:\n{system.SYSTEM}")
        self.run("apply", "--auto-approve")
        self.plans("refresh of the system")

    def apply(self):
        count, start = 200, 30
        self.fresh("name: bench\n")
        subnet, group = self.place()
        (self.path / "hadeploy.yaml").write_text(
            f"name: bench\nresources:\n  node:\n    type: aws.instance\n    count: {count}\n    image: {IMAGE}\n"
            f"    instance_type: t3.micro\n    subnet: {subnet}\n    security_groups: [{group}]\n")
        born, lock, last = {}, threading.Lock(), [0.0]

        def starting(action, params, forward):
            if action == "RunInstances":
                status, body = forward()
                with lock:
                    last[0] = time.monotonic()
                    born[re.search(rb"<instanceId>(i-\w+)", body)[1]] = last[0]
                return status, body
            if action != "DescribeInstances":
                return None
            status, body = forward()
            parts = re.split(rb"(?=<instanceId>i-)", body)
            for n, part in enumerate(parts):
                instance = re.match(rb"<instanceId>(i-\w+)", part)
                if instance and time.monotonic() - born.get(instance[1], 0) < start:
                    parts[n] = re.sub(rb"<code>16</code>\s*<name>running</name>",
                                      b"<code>0</code><name>pending</name>", part)
            return status, b"".join(parts)
        self.proxy.faults = [starting]
        self.proxy.delay = self.delay
        self.proxy.calls.clear()
        begin = time.monotonic()
        seconds, megabytes = self.run("apply", "--auto-approve")
        self.proxy.delay = 0
        calls = collections.Counter(self.proxy.calls)
        print(f"apply of {count} instances that take {start} s to start: {seconds:.1f} s ({last[0] - begin:.1f} s until the "
              f"last RunInstances), {megabytes:.0f} MB: {dict(calls)}", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("hadeploy")
    arguments.add_argument("--only", default="refresh,system,apply")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--delay", type=float, default=0.05)
    args = arguments.parse_args()
    sys.argv = sys.argv[:2]
    with tempfile.TemporaryDirectory(prefix="hadeploy-bench-") as directory:
        bench = Bench(args, pathlib.Path(directory))
        try:
            for what in args.only.split(","):
                getattr(bench, what)()
        finally:
            bench.moto.stop()


if __name__ == "__main__":
    main()
