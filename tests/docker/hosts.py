"""Several hosts with a Docker and an sshd each, in namespaces of their own within those of real_docker.py.

The test is at 10.9.0.1, and the hosts are at 10.9.0.11, 10.9.0.12, ... on the same bridge.
"""
import pathlib
import subprocess
import time

START = """set -eu
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /root
mkdir /run/sshd
ip link set lo up
while ! ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip address add "$2/24" dev eth0
ip link set eth0 up
/usr/sbin/sshd -f "$1/sshd_config"
exec dockerd --data-root "$1/data" --exec-root /run/docker -p /run/docker.pid -H unix:///run/docker.sock \\
    --bridge none --iptables=false --ip6tables=false --cgroup-parent "$3" >"$1/log" 2>&1
"""


class Host:
    def __init__(self, path, number, key, group):
        self.path, self.address, self.link = path, f"10.9.0.{10 + number}", f"host{number}"
        path.mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path / "host_key"], check=True)
        self.host_key = " ".join((path / "host_key.pub").read_text().split()[:2])
        (path / "sshd_config").write_text(
            f"ListenAddress {self.address}:22\nListenAddress {self.address}:2222\nPidFile none\n"
            f"HostKey {path}/host_key\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
            f"AuthorizedKeysFile {key}.pub .ssh/authorized_keys\n")
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--net", "--uts", "sh", "-c", START, "sh", path, self.address, group],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def connect(self):
        """Connects the host to the bridge, once it has its namespace."""
        own = pathlib.Path("/proc/self/ns/net").readlink()
        while pathlib.Path(f"/proc/{self.process.pid}/ns/net").readlink() == own:
            time.sleep(0.02)
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.process.pid))
        run("ip", "link", "set", self.link, "master", "hosts", "up")

    def run(self, *argv, check=True):
        return subprocess.run(["nsenter", "--target", str(self.process.pid), "--mount", "--net", *argv],
                              capture_output=True, text=True, check=check, stdin=subprocess.DEVNULL).stdout

    def wait(self):
        for _ in range(300):
            if subprocess.run(["nsenter", "--target", str(self.process.pid), "--mount", "--net", "docker", "version"],
                              capture_output=True, stdin=subprocess.DEVNULL).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError("Docker does not start:\n" + (self.path / "log").read_text()[-2000:])

    def images(self):
        return self.run("docker", "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").split("\n")[:-1]


def run(*argv):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def start(server, count):
    """server: a RealDocker. Returns the hosts, whose processes end with the namespaces of the test."""
    if not pathlib.Path("/sys/class/net/hosts").exists():
        run("ip", "link", "add", "hosts", "type", "bridge")
        run("ip", "address", "add", "10.9.0.1/24", "dev", "hosts")
        run("ip", "link", "set", "hosts", "up")
        # once br_netfilter is loaded, Docker's rules of this namespace would drop what the bridge forwards
        run("iptables", "-I", "FORWARD", "-i", "hosts", "-o", "hosts", "-j", "ACCEPT")
    hosts = [Host(server.path / f"host{n}", n, server.key, f"/{server.path.name}") for n in range(1, count + 1)]
    for host in hosts:
        host.connect()
    for host in hosts:
        host.wait()
    return hosts


def spec_of(hosts, key):
    """The resources of the hosts: node1, node2, ..."""
    return "".join(f"  node{n}: {{type: ssh.host, address: {host.address}, user: root, private_key_file: {key}, "
                   f"host_key: '{host.host_key}'}}\n" for n, host in enumerate(hosts, 1))
