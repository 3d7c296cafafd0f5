"""Machines for tests of Gluster: network, mount, PID and UTS namespaces, joined by a bridge.

Each has its own /etc, /run, /var/lib/glusterd, bricks and sshd, so it cannot touch those of the
machine that runs the tests. The bridge and hadeploy are in a namespace of their own.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SYSTEMCTL = r"""#!/bin/sh
# Only what the tests need: glusterd, without systemd.
verb=$1
up() { read -r pid 2>/dev/null </run/glusterd.pid && [ -e "/proc/$pid" ]; }
case $verb in
stop|restart)
    if up; then kill "$pid"; while up; do sleep 0.1; done; fi; rm -f /run/glusterd.pid;;
esac
case $verb in
start|restart) up || glusterd -p /run/glusterd.pid >/dev/null 2>&1;;
is-active) up;;
esac
"""

# The first process of a machine: reaps the daemons whose parents have ended.
INIT = """
import os, time
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.1)
"""


def why_not():
    """Why the machines cannot exist here; "" if they can."""
    if os.geteuid() != 0:
        return "needs root"
    for tool in ("glusterd", "gluster", "sshd", "ssh-keygen", "systemctl", "ip", "nsenter", "unshare"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            return f"needs {tool}"
    made = subprocess.run(["unshare", "-n", "sh", "-c",
                           "ip link add br0 type bridge && ip link add v1 type veth peer name w1"],
                          capture_output=True, text=True)
    return f"network namespaces: {made.stderr.strip()}" if made.returncode else ""


class Space:
    """Namespaces that end with their first process."""

    def __init__(self, flags):
        self.holder = subprocess.Popen(["unshare", *flags, "--fork", "--kill-child", sys.executable, "-c", INIT],
                                       stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while True:
            children = pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text()
            if children.split():
                self.pid = children.split()[0]
                break
            assert time.monotonic() < end
            time.sleep(0.05)

    def argv(self, *command):
        return ["nsenter", "-t", self.pid, "-a", *map(str, command)]

    def run(self, *command, check=True, timeout=120, **more):
        done = subprocess.run(self.argv(*command), capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, **more)
        if check and done.returncode:
            raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def end(self):
        if self.holder.poll() is None:
            os.kill(int(self.pid), signal.SIGKILL)
            self.holder.kill()
            self.holder.wait()


class Lab:
    def __init__(self):
        # on a real file system: bricks need its extended attributes
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-gluster-", dir="/var/tmp"))
        self.switch = Space(["-n", "-m"])
        self.switch.run("sh", "-c", "ip link set lo up; ip link add br0 type bridge; "
                        "ip addr add 10.99.0.1/24 dev br0; ip link set br0 up")
        key = self.root / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.root / "host"], check=True)
        self.host_key = " ".join((self.root / "host.pub").read_text().split()[:2])
        self.machines = {}

    def start(self, name):
        """Starts a machine: with its disk if it has one, otherwise as a new one."""
        number = int(name.removeprefix("node"))
        disk = self.root / name
        new = not disk.exists()
        for part in ("lib/glusterd", "log", "mnt"):
            (disk / part).mkdir(parents=True, exist_ok=True)
        if new:
            shutil.copytree("/etc", disk / "etc", symlinks=True,
                            ignore=shutil.ignore_patterns("*.lock", "*-", "*+"))
            (disk / "etc/hosts").write_text("127.0.0.1 localhost\n")
            # the start-up files of root's shell on this machine are not the machine's
            (disk / "root").mkdir()
            users = (disk / "etc/passwd").read_text()
            (disk / "etc/passwd").write_text(users.replace(":/root:", f":{disk}/root:"))
            (disk / "systemctl").write_text(SYSTEMCTL)
            (disk / "systemctl").chmod(0o755)
        (disk / "sshd_config").write_text(
            f"Port 22\nHostKey {self.root}/host\nAuthorizedKeysFile {self.root}/key.pub\n"
            "PermitRootLogin yes\nStrictModes no\nUsePAM no\nPidFile /run/sshd.pid\nMaxStartups 100\n")
        space = Space(["-n", "-m", "-u", "-p", "--mount-proc", "--propagation", "private"])
        self.machines[name] = space
        space.run("sh", "-c", f"""set -e
            hostname {name}
            mount -t tmpfs tmpfs /run
            mkdir -p /run/sshd /run/gluster
            mount --bind {disk}/etc /etc
            mount --bind {disk}/lib /var/lib
            mount --bind {disk}/log /var/log/glusterfs
            mount --bind {disk}/mnt /mnt
            mount --bind {disk}/systemctl {shutil.which("systemctl")}
            ip link set lo up""")
        self.switch.run("sh", "-c", f"ip link del v{number} 2>/dev/null; "
                        f"ip link add v{number} type veth peer name eth0 "
                        # the same after a restart: nobody announces a new one
                        f"address 02:00:00:00:00:{number:02x} netns {space.pid} && "
                        f"ip link set v{number} master br0 up")
        space.run("sh", "-c", f"ip addr add 10.99.0.{10 + number}/24 dev eth0; ip link set eth0 up")
        space.run("/usr/sbin/sshd", "-f", disk / "sshd_config")
        space.run("systemctl", "start", "glusterd")

    def mount(self, name):
        """Mounts the volume vol0 on /run/v of the machine."""
        self.machines[name].run("sh", "-c", """mkdir -p /run/v
            glusterfs --volfile-server=127.0.0.1 --volfile-id=vol0 /run/v </dev/null >/dev/null 2>&1
            for i in 1 2 3 4 5 6 7 8 9 10; do mountpoint -q /run/v && break; sleep 1; done
            mountpoint -q /run/v""")

    def stop(self, name):
        self.machines.pop(name).end()

    def lose(self, name):
        """The machine and its disk no longer exist."""
        self.stop(name)
        shutil.rmtree(self.root / name)

    def end(self):
        for name in list(self.machines):
            self.stop(name)
        self.switch.end()
        shutil.rmtree(self.root, ignore_errors=True)


if __name__ == "__main__":
    print(why_not() or "can run", file=sys.stderr)
