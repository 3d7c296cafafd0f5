#!/usr/bin/env python3
"""Compares the times of two builds of hadeploy for the same files on one host. They run in turn, so that
other load affects both; the host is an sshd on loopback. With --processes it counts the processes on the
host instead, which other load does not affect; this needs strace.

usage: bench/files.py BEFORE AFTER [--files N] [--runs N] [--processes]      two programs; as root
"""
import argparse
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

SPEC = """name: bench
resources:
  box: {{type: ssh.host, address: 127.0.0.1, port: {port}, private_key_file: {keys}/user, host_key: "{key}"}}
  file:
    type: host.file
    count: {files}
    host: ${{box.connection}}
    path: {target}/${{count.index}}
    content: "{content} ${{count.index}}"
"""
STEPS = ("make them", "nothing to change", "change the content", "set the mode", "remove them")


class Host:
    """An sshd with its own keys."""

    def __init__(self, path, traced):
        path.mkdir()
        self.keys = path
        self.trace = path / "trace"
        tracer = ["strace", "-D", "-f", "-qq", "-o", self.trace,
                  "-e", "trace=clone,clone3,fork,vfork"] if traced else []
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path / name],
                           check=True)
        self.key = " ".join((path / "host.pub").read_text().split()[:2])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (path / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nPidFile none\nHostKey {path}/host\n"
            f"StrictModes no\nUsePAM no\nAuthorizedKeysFile {path}/user.pub\nPermitRootLogin yes\n")
        os.makedirs("/run/sshd", exist_ok=True)
        self.sshd = subprocess.Popen([*tracer, "/usr/sbin/sshd", "-D", "-e", "-f", path / "sshd_config"],
                                     stderr=subprocess.DEVNULL)
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit("sshd does not start")

    def processes(self):
        """The number of processes started so far."""
        calls = re.findall(r"\b(?:clone3?|v?fork)\b.* = [1-9]", self.trace.read_text())
        return len(calls)


class Project:
    """The project of one of the programs."""

    def __init__(self, program, path, host, files):
        self.program, self.path, self.host, self.files = program, path, host, files
        path.mkdir()
        self.target = path / "target"
        self.target.mkdir(mode=0o755)

    def spec(self, content):
        (self.path / "hadeploy.yaml").write_text(SPEC.format(
            port=self.host.port, keys=self.host.keys, key=self.host.key, files=self.files,
            target=self.target, content=content))

    def run(self, *words):
        """The duration of one command in seconds."""
        begin = time.perf_counter()
        subprocess.run([self.program, *words], cwd=self.path, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={**os.environ, "HOME": str(self.path)})
        return time.perf_counter() - begin

    def step(self, step):
        if step == "nothing to change":
            return self.run("plan")
        if step == "remove them":
            return self.run("destroy", "--auto-approve")
        if step == "set the mode":
            for file in self.target.iterdir():
                file.chmod(0o600)
        else:
            self.spec(step)
        return self.run("apply", "--auto-approve")


def compare(projects, runs):
    """Prints the medians of the times."""
    times = {(project, step): [] for project in projects for step in STEPS}
    for run in range(runs + 1):
        for step in STEPS:
            for project in projects if run % 2 else reversed(projects):
                took = project.step(step)
                if run > 0:  # the first one warms up
                    times[project, step].append(took)
    print(f"{projects[0].files} files, medians of {runs} runs; load before {os.getloadavg()[2]:.1f}")
    for step in STEPS:
        before, after = (statistics.median(times[project, step]) for project in projects)
        print(f"{step}: {before * 1000:.0f} ms, {after * 1000:.0f} ms, {after / before:.2f} x")


def count(projects):
    """Prints the processes on the host for each file."""
    for step in STEPS:
        counts = []
        for project in projects:
            before = project.host.processes()
            project.step(step)
            time.sleep(1)  # what the host does after the answer
            counts.append((project.host.processes() - before) / project.files)
        print(f"{step}: {counts[0]:.1f}, {counts[1]:.1f} processes for each file")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("before", type=os.path.abspath)
    parser.add_argument("after", type=os.path.abspath)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--processes", action="store_true")
    args = parser.parse_args()
    # below /, where all parent directories belong to root, as on most hosts
    path = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-bench-", dir="/var/lib"))
    host = None
    try:
        path.chmod(0o755)
        host = Host(path / "host", args.processes)
        projects = [Project(program, path / name, host, args.files)
                    for name, program in (("before", args.before), ("after", args.after))]
        if args.processes:
            count(projects)
        else:
            compare(projects, args.runs)
    finally:
        if host is not None:
            host.sshd.terminate()
            host.sshd.wait()
        shutil.rmtree(path)


if __name__ == "__main__":
    main()
