#!/usr/bin/env python3
"""Measures the login to a name with an unresponsive address. In a network namespace, `two` has an IPv6
address behind an interface that drops everything, and 127.0.0.1, where an sshd listens.

usage: bench/addresses.py HADEPLOY [--runs N]      as root
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SPEC = """name: bench
providers: {{ssh: {{connect_timeout: 10s}}}}
resources:
  box: {{type: ssh.host, address: {name}, port: 2222, private_key_file: user, host_key: "{key}"}}
"""


def inside():
    """Restarts this script in its own namespaces for network and mounts."""
    if os.environ.get("HADEPLOY_BENCH_INSIDE"):
        return
    os.environ["HADEPLOY_BENCH_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable,
                          *sys.argv])


def prepare(path):
    hosts = path / "hosts"
    hosts.write_text("127.0.0.1 one\n2001:db8::1 two\n127.0.0.1 two\n")
    for line in (f"mount --bind {hosts} /etc/hosts", "ip link set lo up",
                 "ip link add hole type veth peer name bottom", "ip link set hole up",
                 "ip link set bottom up", "ip addr add 2001:db8:1::2/64 dev hole nodad",
                 "ip neigh add 2001:db8:1::1 lladdr 02:00:00:00:00:01 dev hole",
                 "ip -6 route add default via 2001:db8:1::1 dev hole"):
        subprocess.run(line.split(), check=True)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path / name], check=True)
    config = path / "sshd_config"
    config.write_text(f"ListenAddress 127.0.0.1\nPort 2222\nPidFile none\nHostKey {path}/host\n"
                      f"StrictModes no\nUsePAM no\nAuthorizedKeysFile {path}/user.pub\n"
                      "PermitRootLogin yes\n")
    os.makedirs("/run/sshd", exist_ok=True)
    return subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("hadeploy", type=os.path.abspath)
    parser.add_argument("--runs", type=int, default=9)
    args = parser.parse_args()
    inside()
    with tempfile.TemporaryDirectory(prefix="hadeploy-bench-") as made:
        path = pathlib.Path(made)
        sshd = prepare(path)
        try:
            time.sleep(1)
            key = " ".join((path / "host.pub").read_text().split()[:2])
            for name in ("one", "two"):
                (path / "hadeploy.yaml").write_text(SPEC.format(name=name, key=key))
                times = []
                for _ in range(args.runs):
                    begin = time.perf_counter()
                    subprocess.run([args.hadeploy, "plan"], cwd=path, check=True,
                                   stdout=subprocess.DEVNULL, env={**os.environ, "HOME": made})
                    times.append(time.perf_counter() - begin)
                what = "one address" if name == "one" else "the first of two does not answer"
                print(f"{what}: median {statistics.median(times) * 1000:.0f} ms, "
                      f"longest {max(times) * 1000:.0f} ms")
        finally:
            sshd.terminate()
            sshd.wait()


if __name__ == "__main__":
    main()
