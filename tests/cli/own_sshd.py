"""A real sshd for tests, with a /run and /usr/local/sbin of its own."""
import os
import pathlib
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402

# Runs as a machine: a process that answers as Docker, then sshd. The answer to a request is the file of its path in
# the second argument; without one it is an empty list.
MACHINE_WITH_DOCKER = """
import os, pathlib, socket, sys
path, api = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
os.mkdir("/run/sshd")
listener = socket.socket(socket.AF_UNIX)
listener.bind("/run/docker.sock")
listener.listen()
child = os.fork()
if child == 0:
    pathlib.Path("/proc/self/comm").write_text("dockerd")
    while True:
        client = listener.accept()[0]
        name = client.recv(4096).split()[1].decode().strip("/")
        file = api / name
        body = file.read_text() if file.is_file() else "[]"
        client.sendall(f"HTTP/1.0 200 X\\r\\nServer: D\\r\\n\\r\\n{body}".encode())
        client.close()
pathlib.Path("/run/docker.pid").write_text(f"{child}\\n")
os.execv("/usr/sbin/sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", str(path / "sshd_config")])
"""


def prepare(path, key):
    """Makes the host key and the configuration in a directory. Returns the port.

    key: the private key of the user; the public one is beside it.
    """
    (path / "bin").mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path / "host_key"], check=True)
    port = free_port()
    (path / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nPidFile none\nHostKey {path}/host_key\n"
        f"StrictModes no\nUsePAM no\nAuthorizedKeysFile {key}.pub\nPermitRootLogin yes\n")
    return port


def public_key(path):
    return " ".join((path / "host_key.pub").read_text().split()[:2])


def start(path, port, program, *arguments):
    """Runs a Python program that ends as the sshd, in namespaces with the directory's `bin` as
    /usr/local/sbin, and waits for the sshd. Returns the process."""
    process = subprocess.Popen(
        ["unshare", "-m", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c",
         f"mount -t tmpfs run /run && mount --bind {path}/bin /usr/local/sbin && "
         "exec python3 -c \"$0\" \"$@\"", program, *arguments],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return listening(process, port)


def serve(case, path, key):
    """Runs an sshd on this machine, without namespaces, until the end of the test case. Returns its port."""
    os.makedirs("/run/sshd", exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    port = prepare(path, key)
    process = listening(subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(path / "sshd_config")],
                                         stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL), port)
    case.addCleanup(process.wait)
    case.addCleanup(process.terminate)
    return port


def listening(process, port):
    """Waits until the port of an sshd can be reached. Returns the process."""
    for _ in range(400):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError("sshd does not start")
