"""A real Docker, as the manager of a swarm, and an sshd, in namespaces of their own.

enter() runs the test again in new network, mount and process namespaces, in which /etc, /opt, /root, /run and
/var/lib are private. When the test is killed, its processes and mounts end with it.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import own_sshd  # noqa: E402

INSIDE = "HADEPLOY_DOCKER_TEST"  # the directory of the test
KEPT = []  # file descriptors that the test keeps in its namespaces
NAMESPACES = ["setpriv", "--pdeathsig", "KILL",  # they end with the test, even if it is killed
              "unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--mount-proc", "--kill-child"]


def why_not(programs):
    """Why Docker cannot run here; "" if it can.

    programs: the directory in which unpack.sh has unpacked Docker."""
    if os.geteuid() != 0:
        return "needs root"
    for tool in ("iptables", "ip", "perl", "setpriv", "ssh-keygen", "sshd", "unshare"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            return f"needs {tool}"
    if not (programs / "usr/sbin/dockerd").exists():
        return f"needs Docker: tests/docker/unpack.sh {programs}"
    busybox = subprocess.run(["ldd", "/bin/busybox"], capture_output=True, text=True)
    if busybox.returncode == 0:
        return "needs busybox-static"
    made = subprocess.run([*NAMESPACES, "ip", "link", "add", "br0", "type", "bridge"], capture_output=True, text=True)
    return f"namespaces: {made.stderr.strip()}" if made.returncode else ""


def remove_groups(name):
    """Removes the control groups of the containers, once their processes have ended."""
    groups = pathlib.Path("/sys/fs/cgroup")
    for group in [*groups.glob(name), *groups.glob(f"*/{name}")]:
        for directory, _, _ in os.walk(group, topdown=False):
            for _ in range(50):
                try:
                    os.rmdir(directory)
                    break
                except OSError:
                    time.sleep(0.1)


def enter():
    """Ends with the result of this test in its namespaces. Returns there."""
    if INSIDE in os.environ:
        return pathlib.Path(os.environ[INSIDE])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="hadeploy-docker-test-") as path:
        try:
            done = subprocess.run([*NAMESPACES, sys.executable, *sys.argv], env=dict(os.environ, **{INSIDE: path}),
                                  stdin=subprocess.DEVNULL, pass_fds=KEPT)
        finally:
            remove_groups(pathlib.Path(path).name)
    sys.exit(done.returncode)


def run(*argv, **more):
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, **more)
    if done.returncode:
        raise AssertionError(f"{argv}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def private(path, directory):
    """Makes changes in a directory of the machine invisible outside."""
    layer = path / "private" / directory.name
    for part in ("upper", "work"):
        (layer / part).mkdir(parents=True)
    run("mount", "-t", "overlay", "overlay",
        "-o", f"lowerdir={directory},upperdir={layer}/upper,workdir={layer}/work", str(directory))


class RealDocker:
    """The server, with the images `busybox:1` and `shop/db:1`, and an sshd."""

    def __init__(self, path, programs):
        self.path, self.log = path, path / "docker.log"
        run("ip", "link", "set", "lo", "up")
        # the addresses of the manager and of the host in the how-to guide
        for address in ("192.0.2.1/32", "192.0.2.11/32"):
            run("ip", "address", "add", address, "dev", "lo")
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        for directory in ("/etc", "/opt", "/root", "/var/lib"):
            private(pathlib.Path("/run"), pathlib.Path(directory))
        os.mkdir("/run/sshd")
        self.key = path / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        self.port = own_sshd.prepare(path / "ssh", self.key)
        config = path / "ssh/sshd_config"
        config.write_text(config.read_text().replace("ListenAddress 127.0.0.1\n", ""))  # all addresses
        self.host_key = own_sshd.public_key(path / "ssh")
        for program in [*programs.glob("usr/bin/*"), *programs.glob("usr/sbin/*")]:
            tool = path / "ssh/bin" / program.name
            if not tool.exists():
                tool.symlink_to(program.resolve())
        run("mount", "--bind", str(path / "ssh/bin"), "/usr/local/sbin")
        os.environ["PATH"] = "/usr/local/sbin:" + os.environ["PATH"]
        self.start()
        own_sshd.listening(subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(config)], stdin=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL), self.port)
        self.make_image()
        self.docker("swarm", "init", "--advertise-addr", "192.0.2.1")

    def start(self):
        with open(self.log, "a") as log:
            self.server = subprocess.Popen(
                ["/usr/local/sbin/dockerd", "--data-root", str(self.path / "data"), "-p", "/run/docker.pid",
                 "-H", "unix:///run/docker.sock", "--cgroup-parent", f"/{self.path.name}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(300):
            if subprocess.run(["/usr/local/sbin/docker", "version"], capture_output=True).returncode == 0:
                return
            if self.server.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError("Docker does not start:\n" + "".join(self.log.read_text().splitlines(True)[-20:]))

    def stop(self):
        self.server.terminate()
        self.server.wait(60)

    def make_image(self):
        root = self.path / "image/bin"
        root.mkdir(parents=True)
        shutil.copy("/bin/busybox", root / "busybox")
        for applet in ("sh", "sleep", "cat", "test", "env", "httpd", "true", "false", "touch"):
            (root / applet).symlink_to("busybox")
        run("tar", "-C", str(self.path / "image"), "-cf", str(self.path / "image.tar"), ".")
        self.docker("import", str(self.path / "image.tar"), "busybox:1")
        # ends at once when it is stopped
        command = json.dumps(["sh", "-c", "trap exit TERM; while :; do sleep 1; done"])
        self.docker("import", "--change", f"CMD {command}", str(self.path / "image.tar"), "shop/db:1")

    def docker(self, *words):
        return run("/usr/local/sbin/docker", *words)

    def inspect(self, kind, name):
        """The object, or None."""
        done = subprocess.run(["/usr/local/sbin/docker", kind, "inspect", name], capture_output=True, text=True)
        return json.loads(done.stdout)[0] if done.returncode == 0 else None

    def names(self, kind):
        return self.docker(kind, "ls", "--format", "{{.Name}}").split()
