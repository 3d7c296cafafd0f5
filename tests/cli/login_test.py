#!/usr/bin/env python3
"""Getting in as `ssh` would: an alias, known_hosts, the keys of ~/.ssh, a jump host; and what becomes
of a machine that was installed again. The real program against real sshds on loopback.

usage: login_test.py HADEPLOY
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
SSHD = "/usr/sbin/sshd"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """An sshd with a host key of its own, which lets in who has the key of ~/.ssh."""

    def __init__(self, path, home):
        self.path = path
        path.mkdir()
        self.port = free_port()
        self.process = None
        (path / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nPidFile none\nHostKey {path}/host_key\n"
            f"StrictModes no\nUsePAM no\nAuthorizedKeysFile {home}/.ssh/id_ed25519.pub\n"
            f"PermitRootLogin yes\nSetEnv HOME={path}\n")
        self.install()

    def install(self):
        """Makes the machine again: another host key."""
        self.stop()
        for name in ("host_key", "host_key.pub"):
            (self.path / name).unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path / "host_key"],
                       check=True)
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", self.path / "sshd_config"],
                                        stderr=subprocess.DEVNULL)
        for _ in range(400):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("sshd does not start")

    def known(self):
        key = " ".join((self.path / "host_key.pub").read_text().split()[:2])
        return f"[127.0.0.1]:{self.port} {key}\n"

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


class LoginTest(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-login-test-"))
        self.addCleanup(shutil.rmtree, self.path)
        self.ssh = self.path / ".ssh"
        self.ssh.mkdir(mode=0o700)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                        self.ssh / "id_ed25519"], check=True)
        os.makedirs("/run/sshd", exist_ok=True)
        self.project = self.path / "project"
        self.project.mkdir()
        self.made = self.path / "made"

    def server(self, name):
        server = Server(self.path / name, self.path)
        self.addCleanup(server.stop)
        return server

    def run_hadeploy(self, *args, status=0):
        done = subprocess.run(
            [PROGRAM, *args], cwd=self.project, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=120, check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C.UTF-8"})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def spec(self, host, content="hello"):
        (self.project / "hadeploy.yaml").write_text(f"""name: test
providers: {{ssh: {{connect_timeout: 2s}}}}
resources:
  box: {{type: ssh.host, {host}}}
  file: {{type: host.file, host: "${{box.connection}}", path: {self.made}, content: {content}}}
  other: {{type: host.file, host: "${{box.connection}}", path: {self.made}2, content: x}}
outputs: {{user: "${{box.connection.user}}", host: "${{box.connection.address}}"}}
""")

    def test_an_alias_is_enough(self):
        server = self.server("box")
        (self.ssh / "known_hosts").write_text(server.known())
        (self.ssh / "config").write_text(f"Host web\n HostName 127.0.0.1\n Port {server.port}\n")
        self.spec("address: web")
        self.run_hadeploy("apply", "--auto-approve")
        self.assertEqual(self.made.read_text(), "hello")
        self.assertEqual(self.run_hadeploy("output", "--raw", "host").strip(), "127.0.0.1")
        self.assertIn("Nothing to change", self.run_hadeploy("plan"))
        # What the configuration says may change at any time, also where nothing else has.
        (self.ssh / "config").write_text(f"Host web\n HostName 127.0.0.1\n Port {free_port()}\n")
        self.run_hadeploy("plan", status=65)
        (self.ssh / "config").write_text("Host web\n ProxyCommand true\n")
        self.assertIn("ProxyCommand is not supported", self.run_hadeploy("plan", status=65))

    def test_a_default_that_was_written_before(self):
        """A state of an older hadeploy, or a spec that is made shorter: no change."""
        server = self.server("box")
        (self.ssh / "known_hosts").write_text(server.known())
        (self.ssh / "config").write_text(f"Host *\n Port {server.port}\n")
        self.spec(f"address: 127.0.0.1, user: root, port: {server.port}")
        self.run_hadeploy("apply", "--auto-approve")
        self.spec("address: 127.0.0.1")
        self.assertIn("Nothing to change", self.run_hadeploy("plan"))

    def test_through_a_jump_host(self):
        server, hop = self.server("box"), self.server("hop")
        (self.ssh / "known_hosts").write_text(server.known() + hop.known())
        (self.ssh / "config").write_text(
            f"Host box\n HostName 127.0.0.1\n Port {server.port}\n"
            f" ProxyJump root@127.0.0.1:{hop.port}\n")
        self.spec("address: box")
        self.run_hadeploy("apply", "--auto-approve")
        self.assertEqual(self.made.read_text(), "hello")
        self.run_hadeploy("destroy", "--auto-approve")
        self.assertFalse(self.made.exists())
        # the same, all in the spec
        (self.ssh / "config").write_text("")
        self.spec(f"address: 127.0.0.1, port: {server.port}, jump_host: '${{hop.connection}}'}}\n"
                  f"  hop: {{type: ssh.host, address: 127.0.0.1, port: {hop.port}")
        self.run_hadeploy("apply", "--auto-approve")
        self.assertEqual(self.made.read_text(), "hello")
        hop.stop()
        self.assertIn(f"on the way to root@127.0.0.1:{server.port}",
                      self.run_hadeploy("plan", status=69))

    def test_a_machine_that_was_installed_again(self):
        server = self.server("box")
        self.spec(f"address: 127.0.0.1, port: {server.port}, trust_on_first_use: true")
        self.run_hadeploy("apply", "--auto-approve")
        server.install()
        self.made.unlink()
        text = self.run_hadeploy("plan", status=69)
        self.assertIn("has another host key than expected", text)
        self.assertEqual(text.count("error:"), 1, text)  # nothing was asked of the stranger
        self.assertIn("hadeploy state trust-host-key", text)
        text = self.run_hadeploy("state", "trust-host-key", "box")
        self.assertRegex(text, r"The host key of box was SHA256:.*, and is SHA256:.* from now on")
        self.run_hadeploy("apply", "--auto-approve")
        self.assertEqual(self.made.read_text(), "hello")
        self.assertIn("Nothing to change", self.run_hadeploy("plan"))
        self.assertIn("is what it was", self.run_hadeploy("state", "trust-host-key", "box"))
        self.run_hadeploy("state", "trust-host-key", "file", status=64)
        # and it insists on the new one
        server.install()
        self.run_hadeploy("plan", status=69)

    def test_a_stranger_is_asked_nothing(self):
        """Not even what the machine itself tells: a sudo password would go along."""
        server = self.server("box")
        (self.project / "hadeploy.yaml").write_text(
            f"name: test\nresources:\n  box: {{type: ssh.host, address: 127.0.0.1, "
            f"port: {server.port}, trust_on_first_use: true}}\n")
        self.run_hadeploy("apply", "--auto-approve")
        server.install()
        self.assertIn("has another host key than expected", self.run_hadeploy("plan", status=69))

    def test_a_host_that_is_down_is_one_error(self):
        server = self.server("box")
        (self.ssh / "known_hosts").write_text(server.known())
        server.stop()
        self.spec(f"address: 127.0.0.1, port: {server.port}")
        text = self.run_hadeploy("plan", status=69)
        self.assertEqual(text.count("error:"), 1, text)
        self.assertIn("also: file, other", text)


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.path.exists(SSHD):
        print("needs root and sshd")
        sys.exit(77)
    unittest.main()
