"""A real sshd for tests, with a /run and /usr/local/sbin of its own."""
import pathlib
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402


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
    for _ in range(400):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError("sshd does not start")
