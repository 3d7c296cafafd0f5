#!/usr/bin/env python3
"""Compares the times of hadeploy and ansible-playbook on the same three virtual machines.

    cmake --preset release && cmake --build --preset release
    bench/cluster/run.py [--rounds N] [--runs N]

Needs root, scripts/lab and ansible-core. In each round, each side configures machines that have just
completed their boot; this is timed. Then both run in turn on the second side's machines with nothing to
change. Last, examples/ha-demo is applied as a whole, for its ratio to the critical path and its memory.
Ansible runs in its fastest mode: pipelining, persistent connections, a fork for each host. The result on
the machines is checked by ssh, independently of both tools. Everything is removed afterwards.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
LAB = SOURCE / "scripts" / "lab"
ANSIBLE = {
    "ANSIBLE_PIPELINING": "1",
    "ANSIBLE_FORKS": "10",
    "ANSIBLE_HOST_KEY_CHECKING": "0",
    "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=600 -o UserKnownHostsFile=/dev/null",
    "ANSIBLE_NOCOWS": "1",
    "LC_ALL": "C.UTF-8",
}


def timed(argv, env=None, expect=(0,)):
    """Runs a command; returns seconds, peak memory in MB (of the largest process), and its output."""
    with tempfile.TemporaryFile("w+") as out:
        begin = time.monotonic()
        child = subprocess.Popen([str(a) for a in argv], stdout=out, stderr=subprocess.STDOUT,
                                 env={**os.environ, **(env or {})})
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if child.returncode not in expect:
        sys.exit(f"{' '.join(map(str, argv))}: exit {child.returncode}\n{text[-4000:]}")
    return seconds, usage.ru_maxrss / 1024, text


class Bench:
    def __init__(self, build):
        self.hadeploy = build / "hadeploy"
        self.images = build / "images"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-bench-"))
        for part in ("modules", "examples", "bench"):
            shutil.copytree(SOURCE / part, self.work / part,
                            ignore=shutil.ignore_patterns(".hadeploy"))
        self.machines = self.work / "bench" / "cluster" / "machines"
        self.cluster = self.work / "bench" / "cluster" / "cluster"
        self.demo = self.work / "examples" / "ha-demo"
        self.rows = []

    def run(self, directory, *args, variables=None, expect=(0,)):
        argv = [LAB, "exec", self.hadeploy, "--chdir", directory]
        for name, value in (variables or {}).items():
            argv += ["--var", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
        return timed(argv + list(args), expect=expect)

    def fresh_machines(self):
        """Creates machines and boots them; removes the state of the old machines' configuration."""
        self.run(self.machines, "destroy", "--auto-approve", "--allow-data-loss", "--progress", "quiet")
        shutil.rmtree(self.cluster / ".hadeploy", ignore_errors=True)
        self.run(self.machines, "apply", "--auto-approve", "--progress", "quiet")
        self.hosts = json.loads(self.run(self.machines, "output", "--json", "hosts")[2])
        self.key = json.loads(self.run(self.machines, "output", "--json", "ssh_key")[2])
        inventory = ["[nodes]"] + [
            f"{name} ansible_host={host['address']} ansible_user={host['user']} "
            f"ansible_ssh_private_key_file={self.key}" for name, host in self.hosts.items()]
        (self.work / "inventory").write_text("\n".join(inventory) + "\n")
        for name in self.hosts:  # ssh answers before the boot is complete
            self.sh(name, "systemctl is-system-running --wait >/dev/null || :")

    def apply_cluster(self):
        done = self.run(self.cluster, "apply", "--auto-approve", "--json", "--progress", "quiet",
                        variables={"hosts": self.hosts, "ssh_key": self.key})
        self.keep_report(done[2])
        return done

    def keep_report(self, text):
        self.end = json.loads(text.splitlines()[-1])
        self.report = self.end.get("report")

    def playbook(self):
        return timed([LAB, "exec", "ansible-playbook", "-i", self.work / "inventory",
                      HERE / "playbook.yml"],
                     env={**ANSIBLE, "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.work / "ssh")})

    def hang_up(self):
        """Closes ansible's persistent connections."""
        for socket in (self.work / "ssh").glob("*"):
            subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "kept"],
                           capture_output=True, check=False)

    def sh(self, name, script):
        done = subprocess.run(
            [LAB, "exec", "ssh", "-i", self.key, "-o", "StrictHostKeyChecking=no", "-o",
             "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
             f"{self.hosts[name]['user']}@{self.hosts[name]['address']}", "sudo", "sh", "-s"],
            input=script, capture_output=True, text=True, check=True)
        return done.stdout

    def check(self):
        """Checks that both sides have the same result."""
        assert self.sh("node1", "docker node ls -q | wc -l").strip() == "3"
        assert "1 x 3 = 3" in self.sh("node1", "gluster volume info vol0")
        for name in self.hosts:
            assert "fuse.glusterfs" in self.sh(name, "grep ' /mnt/vol0 ' /proc/mounts"), name
            self.sh(name, "getent hosts node1 node2 node3; id -nG ops | grep -qw docker")

    def tell_path(self):
        """Prints the steps of an apply's critical path."""
        path = self.report["critical_path"]
        took = {step["address"]: (step["ended_ms"] - step["started_ms"]) / 1e3
                for step in self.report["steps"]}
        print(f"{self.report['milliseconds'] / 1e3:.1f} s, critical path {path['milliseconds'] / 1e3:.1f} s:",
              ", ".join(f"{address} {took[address]:.1f}" for address in path["steps"]), flush=True)

    def row(self, what, ours, theirs, wanted):
        """Adds a row of medians; `wanted` is the largest acceptable ratio."""
        a, b = statistics.median(ours), statistics.median(theirs)
        self.rows.append(f"| {what} | {a:.2f} s ({min(ours):.2f}–{max(ours):.2f}) "
                         f"| {b:.1f} s ({min(theirs):.1f}–{max(theirs):.1f}) "
                         f"| {a / b:.3f} (1/{b / a:.1f}) | {wanted} |")
        print(self.rows[-1], flush=True)

    def configuration_and_no_change(self, rounds, runs):
        ours, theirs = [], []
        for _ in range(rounds):
            self.fresh_machines()
            theirs.append(self.playbook()[0])
            self.check()
            self.fresh_machines()
            self.hang_up()
            ours.append(self.apply_cluster()[0])
            self.tell_path()
            self.check()
        self.row("configuration of three booted nodes", ours, theirs, "1/3")
        self.playbook()  # adds its own lines to /etc/hosts
        ours, theirs, planned = [], [], []
        for _ in range(runs):
            seconds, _, text = self.playbook()
            assert "changed=0" in text and "changed=1" not in text, text[-800:]
            theirs.append(seconds)
            seconds, _, text = self.apply_cluster()
            assert self.end["@message"] == "nothing to change", text[-800:]
            ours.append(seconds)
            planned.append(self.run(self.cluster, "plan", "--detailed-exitcode", "--progress", "quiet",
                                    variables={"hosts": self.hosts, "ssh_key": self.key})[0])
        self.row("apply with nothing to change", ours, theirs, "1/10")
        self.row("plan with nothing to change", planned, theirs, "1/10")
        self.run(self.machines, "destroy", "--auto-approve", "--allow-data-loss", "--progress", "quiet")

    def whole(self):
        # not timed: the base image is built only once on a machine
        _, peak, text = self.run(self.demo, "apply", "--auto-approve", "--json", "--progress", "quiet",
                                 variables={"images": str(self.images)})
        self.keep_report(text)
        self.tell_path()
        whole = self.report["milliseconds"] / 1e3
        path = self.report["critical_path"]["milliseconds"] / 1e3
        self.rows.append(f"| whole apply of examples/ha-demo | {whole:.0f} s | critical path {path:.0f} s "
                         f"| {whole / path:.2f} | 1.25 |")
        self.rows.append(f"| its peak memory | {peak:.0f} MB | | | 100 MB |")
        self.run(self.demo, "destroy", "--auto-approve", "--allow-data-loss", "--progress", "quiet")

    def start(self, runs=40):
        version = [timed([self.hadeploy, "--version"])[0] * 1e3 for _ in range(runs)]
        validate = [timed([self.hadeploy, "--chdir", self.demo, "validate",
                           "--var", f"images={self.images}"])[0] * 1e3 for _ in range(runs)]
        ansible = [timed(["ansible-playbook", "--syntax-check", "-i", "localhost,",
                          HERE / "playbook.yml"], env=ANSIBLE)[0] * 1e3 for _ in range(5)]
        self.rows.append(f"| `--version` | {statistics.median(version):.1f} ms | | | 10 ms |")
        self.rows.append(f"| `validate` of examples/ha-demo | {statistics.median(validate):.1f} ms "
                         f"| `--syntax-check` {statistics.median(ansible):.0f} ms "
                         f"| {statistics.median(validate) / statistics.median(ansible):.3f} | 30 ms |")

    def close(self):
        self.hang_up()
        for directory in (self.demo, self.machines):
            if (directory / ".hadeploy").exists():
                self.run(directory, "destroy", "--auto-approve", "--allow-data-loss", "--progress", "quiet",
                         expect=range(256))
        shutil.rmtree(self.work)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=2, help="number of configurations of new machines")
    options.add_argument("--runs", type=int, default=5, help="number of runs with nothing to change")
    options.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "release")
    options.add_argument("--only", choices=["configuration", "whole", "start"])
    args = options.parse_args()
    if shutil.which("ansible-playbook") is None:
        sys.exit("ansible-playbook is missing: install ansible-core, or there is nothing to compare with")
    lab_was_up = subprocess.run([LAB, "status"], capture_output=True).returncode == 0
    subprocess.run([LAB, "up"], check=True, stdout=subprocess.DEVNULL)
    bench = Bench(args.build.resolve())
    try:
        if args.only in (None, "start"):
            bench.start()
        if args.only in (None, "configuration"):
            bench.configuration_and_no_change(args.rounds, args.runs)
        if args.only in (None, "whole"):
            bench.whole()
    finally:
        bench.close()
        if not lab_was_up:
            subprocess.run([LAB, "down"], check=False, stdout=subprocess.DEVNULL)
    print("| job | hadeploy | ansible-playbook | ratio | wanted, at most |\n|---|---|---|---|---|")
    print("\n".join(bench.rows))


if __name__ == "__main__":
    main()
