"""Machines for the instances of moto, and a database for its DB instance.

Each machine has a network namespace with the addresses of its instance, and this machine's file system under an
overlay. Real: sshd with the host key of the user data and the key pair of the instance, sudo, git, nginx, MariaDB.
Stand-ins: systemctl, Docker (machine_docker.py), dpkg's entries of packages that this machine lacks, and a bind mount
for EFS, because the kernel here need not have NFS.

enter() moves the test into namespaces of its own: all processes, mounts and addresses disappear with it.
"""
import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PLACE = pathlib.Path("/mnt")  # a tmpfs in the namespace
DATABASE = "10.20.0.10"
TOOLS = ("unshare", "ip", "sshd", "ssh-agent", "git", "nginx", "sudo", "useradd", "mariadbd", "mariadb-install-db", "perl",
         "curl")

SYSTEMCTL = """#!/bin/sh
# Stands for systemd: starts and stops nginx and docker.
verb= units=
while [ $# -gt 0 ]; do
    case $1 in
    -p) shift ;;
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$1; else units="$units ${1%.service}"; fi ;;
    esac
    shift
done
wants=/etc/systemd/system/multi-user.target.wants
runs() { [ -e "/run/$unit.pid" ] && kill -0 "$(cat "/run/$unit.pid")" 2>/dev/null; }
start() {
    if [ "$unit" = nginx ]; then nginx; else dockerd; fi
    until runs; do sleep 0.05; done
}
stop() {
    if runs; then kill "$(cat "/run/$unit.pid")"; fi
    while runs; do sleep 0.05; done
}
for unit in $units; do
    case $verb in
    show)
        if runs; then active=active; else active=inactive; fi
        if [ -L "$wants/$unit.service" ]; then enabled=enabled; else enabled=disabled; fi
        printf '%s\\n' LoadState=loaded Type=forking "ActiveState=$active" SubState=running Result=success \\
            "UnitFileState=$enabled" NeedDaemonReload=no InvocationID=1 ;;
    enable) mkdir -p "$wants"; ln -sf "/lib/systemd/system/$unit.service" "$wants/$unit.service" ;;
    disable) rm -f "$wants/$unit.service" ;;
    start) runs || start ;;
    stop) stop ;;
    restart) stop; start ;;
    reload-or-restart) if runs; then "$unit" -s reload; else start; fi ;;
    esac
done
"""

BOOT = """
set -e
cd "$1"
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
mkdir -p root/efs
mount --bind "$2" root/efs
mount --rbind /dev root/dev
mount -t proc proc root/proc
for place in run tmp var/tmp; do mount -t tmpfs tmpfs root/$place; done
chmod 1777 root/tmp root/var/tmp
mkdir root/run/sshd
hostname new
read -r go
ip link set lo up
ip link set eth0 up
for address in $3; do ip address add "$address/32" dev eth0; done
ip route add default dev eth0
exec chroot root sh -ec '
    useradd -m -s /bin/sh admin
    mkdir -m 700 /home/admin/.ssh
    cp /etc/ec2_key /home/admin/.ssh/authorized_keys
    chown -R admin: /home/admin/.ssh
    exec /usr/sbin/sshd -D -e -f /etc/ssh/own_config'
"""


def enter():
    """Continues in namespaces of its own, or exits with 77 where that is not possible."""
    if os.environ.get("HADEPLOY_OWN_NETWORK"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", PLACE], check=True)
        os.environ["TMPDIR"] = str(PLACE)
        for words in ("link set lo up", "link add br0 type bridge", "link set br0 up",
                      "address add 10.20.0.1/16 dev br0", f"address add {DATABASE}/32 dev br0"):
            subprocess.run(["ip", *words.split()], check=True)
        return
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    lacks = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    if os.geteuid() != 0 or lacks or subprocess.run(["unshare", "-nmpf", "true"], check=False).returncode != 0:
        print("SKIPPED: needs root, namespaces and " + ", ".join(lacks or TOOLS))
        sys.exit(77)
    os.environ.update(PATH=path, HADEPLOY_OWN_NETWORK="1")
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                          sys.executable, *sys.argv])


def wait_for(what, is_so, seconds=60):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def accepts(address, port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex((address, port)) == 0


class Machine:
    """An instance of moto that runs."""

    def __init__(self, number, instance, user_data, public_key, packages):
        self.path = PLACE / f"machine{number}"
        self.private, self.public = instance["PrivateIpAddress"], instance["PublicIpAddress"]
        self.upper = self.path / "upper"
        for folder in ("work", "root", "upper/etc/ssh", "upper/usr/local/sbin", "upper/var/lib/dpkg"):
            (self.path / folder).mkdir(parents=True)
        (PLACE / "efs").mkdir(exist_ok=True)
        self.write("etc/fstab", "")
        self.write("etc/hosts", f"127.0.0.1 localhost new\n{DATABASE} ha-web.aaaaaaaaaa.eu-central-1.rds.amazonaws.com\n")
        self.write("etc/ec2_key", public_key)
        keys = json.loads(user_data.split("\n", 1)[1])["ssh_keys"]
        self.write("etc/ssh/own_key", keys["ed25519_private"], 0o600)
        self.write("etc/ssh/own_config", f"ListenAddress {self.private}\nListenAddress {self.public}\nPidFile none\n"
                   "HostKey /etc/ssh/own_key\nUsePAM yes\nPasswordAuthentication no\n"
                   "KbdInteractiveAuthentication no\n")
        (self.upper / "etc/sudoers.d").mkdir(mode=0o750)
        self.write("etc/sudoers.d/admin", "admin ALL=(ALL) NOPASSWD: ALL\n", 0o440)
        self.write("usr/local/sbin/systemctl", SYSTEMCTL, 0o755)
        self.write("usr/local/sbin/apparmor_parser", "#!/bin/sh\n", 0o755)
        for name in ("docker", "dockerd"):
            self.write(f"usr/local/sbin/{name}", (HERE / "machine_docker.py").read_text(), 0o755)
        self.add_packages(packages)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", BOOT, "sh",
             self.path, PLACE / "efs", f"{self.private} {self.public}"],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.connect(number)
        wait_for("the machine accepts logins", lambda: accepts(self.public, 22))

    def write(self, name, text, mode=0o644):
        (self.upper / name).write_text(text)
        (self.upper / name).chmod(mode)

    def add_packages(self, packages):
        """Packages that this machine lacks count as installed: the programs that are used are stand-ins."""
        known = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"], check=True,
                               capture_output=True, text=True).stdout.splitlines()
        text = pathlib.Path("/var/lib/dpkg/status").read_text().rstrip("\n") + "\n"
        for name in packages:
            if f"installed {name}" not in known:
                text += f"\nPackage: {name}\nStatus: install ok installed\nMaintainer: a test <root@localhost>\n" \
                        "Architecture: all\nVersion: 1\nDescription: stands for the package\n"
        self.write("var/lib/dpkg/status", text)

    def connect(self, number):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        wait_for("the machine starts", lambda: children.read_text().strip() and pathlib.Path(
            f"/proc/{children.read_text().split()[0]}/root{self.path}/root/run/sshd").exists(), 30)
        child = children.read_text().split()[0]
        for words in (f"link add m{number} type veth peer name eth0 netns {child}", f"link set m{number} master br0 up",
                      f"route add {self.public}/32 dev br0"):
            subprocess.run(["ip", *words.split()], check=True)
        self.process.stdin.write(b"go\n")
        self.process.stdin.close()

    def deployed(self):
        """(when, version) of each start of the app."""
        lines = (self.upper / "var/lib/stand-in-docker/log").read_text().splitlines()
        return [(float(line.split()[0]), line.split()[1]) for line in lines]

    def stop(self):
        self.process.kill()
        self.process.wait()
        subprocess.run(["ip", "route", "del", f"{self.public}/32"], check=True)


class Database:
    """A MariaDB with an administrator, who has the privileges of RDS's."""

    def __init__(self, user, password):
        data, self.socket = PLACE / "database", PLACE / "database.sock"
        subprocess.run(["mariadb-install-db", "--no-defaults", "--user=nobody", "--skip-test-db", "--skip-name-resolve",
                        f"--datadir={data}"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(PLACE, 0o1777)
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", "--user=nobody", f"--datadir={data}", f"--socket={self.socket}",
             f"--bind-address={DATABASE}", "--skip-name-resolve"], stderr=subprocess.DEVNULL)
        wait_for("the database answers", lambda: accepts(DATABASE, 3306))
        self.ask(f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, "
                 "DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, "
                 f"EXECUTE, CREATE VIEW, SHOW VIEW, CREATE USER, EVENT, TRIGGER ON *.* TO '{user}'@'%' WITH GRANT OPTION")

    def ask(self, sql):
        return subprocess.run(["mariadb", "--no-defaults", f"--socket={self.socket}", "-NBe", sql], check=True,
                              capture_output=True, text=True).stdout.strip()


class Cloud:
    """Follows the requests of hadeploy: machines for instances, a database for the DB instance."""

    def __init__(self, ec2, packages):
        self.ec2, self.packages, self.machines, self.database, self.count = ec2, packages, {}, None, 0
        self.lock = threading.Lock()

    def watch(self, action, params, forward):
        if action == "CreateDBInstance" and self.database is None:
            self.database = Database(params["MasterUsername"], params["MasterUserPassword"])
        if action not in ("RunInstances", "TerminateInstances"):
            return None
        answer = forward()
        with self.lock:
            running = {i["InstanceId"]: i for r in self.ec2.describe_instances()["Reservations"] for i in r["Instances"]
                       if i["State"]["Name"] == "running"}
            for its, instance in running.items():
                if its not in self.machines:
                    self.count += 1
                    data = self.ec2.describe_instance_attribute(InstanceId=its, Attribute="userData")["UserData"]["Value"]
                    (pair,) = self.ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
                    self.machines[its] = Machine(self.count, instance, base64.b64decode(data).decode(), pair["PublicKey"],
                                                 self.packages)
            for its in set(self.machines) - set(running):
                self.machines.pop(its).stop()
        return answer
