"""Debian's docker-registry, with storage that several of its processes share."""
import pathlib
import shutil
import socket
import subprocess
import time

REGISTRY = "192.0.2.1:5000"  # with TLS and a login
OPEN = "127.0.0.1:5001"  # the same images without both, which Docker allows for 127.0.0.0/8 only
MIRROR = "127.0.0.1:5002"  # the same images, as Docker Hub's
USER, PASSWORD = "deploy", "pass:word-'one'$"


def run(*argv, text=""):
    done = subprocess.run([str(word) for word in argv], input=text, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{argv}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def make_certificates(path):
    """ca.crt, and server.crt with server.key for REGISTRY, which it has signed."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout")
    run("openssl", "req", "-x509", *key, path / "ca.key", "-out", path / "ca.crt", "-subj", "/CN=CA of the test")
    run("openssl", "req", *key, path / "server.key", "-out", path / "server.csr", "-subj", "/CN=registry")
    (path / "names").write_text("subjectAltName=IP:192.0.2.1\n")
    run("openssl", "x509", "-req", "-in", path / "server.csr", "-CA", path / "ca.crt", "-CAkey", path / "ca.key",
        "-CAcreateserial", "-extfile", path / "names", "-out", path / "server.crt")


class Registries:
    def __init__(self, path, program):
        self.path, self.program, self.processes = path, program, {}
        path.mkdir()
        make_certificates(path)
        self.ca = (path / "ca.crt").read_text()
        self.set_password(PASSWORD)
        self.start(REGISTRY, f"  tls: {{certificate: {path}/server.crt, key: {path}/server.key}}\n"
                             f"auth: {{htpasswd: {{realm: test, path: {path}/htpasswd}}}}\n")
        self.start(OPEN, "")
        self.start(MIRROR, "")

    def set_password(self, password):
        line = run("perl", "-e", 'print crypt(shift, q($2y$05$) . "abcdefghijklmnopqrstuv")', password)
        (self.path / "htpasswd").write_text(f"{USER}:{line}\n")

    def start(self, address, more):
        config = self.path / f"{address.replace(':', '-')}.yml"
        config.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {self.path}/images}}}}\n"
                          f"http:\n  addr: {address}\n  secret: x\n{more}")
        with open(self.path / "log", "a") as log:
            self.processes[address] = subprocess.Popen([self.program, "serve", config], stdin=subprocess.DEVNULL,
                                                       stdout=log, stderr=log)
        host, port = address.split(":")
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the registry does not start:\n" + (self.path / "log").read_text()[-2000:])

    def push(self, docker, image, name):
        """Returns the digest."""
        docker("tag", image, f"{OPEN}/{name}")
        docker("push", "--quiet", f"{OPEN}/{name}")
        digests = docker("inspect", "--format", "{{join .RepoDigests \" \"}}", f"{OPEN}/{name}").split()
        docker("rmi", f"{OPEN}/{name}")
        return next(d.split("@")[1] for d in digests if d.startswith(f"{OPEN}/{name.split(':')[0]}@"))

    def blob(self, digest):
        """The file with the content of a digest."""
        digits = digest.split(":")[1]
        return self.path / "images/docker/registry/v2/blobs/sha256" / digits[:2] / digits / "data"

    def stop(self):
        for process in self.processes.values():
            process.terminate()
            process.wait()
        shutil.rmtree(self.path)
