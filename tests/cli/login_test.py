#!/usr/bin/env python3
"""Logins as with `ssh`: an alias, known_hosts, the keys of ~/.ssh, a jump host; and reinstalled machines.
The real program against real sshds on loopback.

usage: login_test.py HADEPLOY
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import skips
from terminal import talk
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
SSHD = "/usr/sbin/sshd"


class Server:
    """An sshd with its own host key, which accepts the key of ~/.ssh."""

    def __init__(self, path, home):
        self.path = path
        path.mkdir()
        self.port = free_port()
        self.process = None
        (path / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nPidFile none\nHostKey {path}/host_key\n"
            f"StrictModes no\nUsePAM no\nAuthorizedKeysFile {home}/.ssh/id_ed25519.pub\n"
            f"PermitRootLogin yes\nSetEnv HOME={path}\nSubsystem sftp internal-sftp\n")
        self.install()

    def install(self):
        """Reinstalls the machine, with another host key."""
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

    def fingerprint(self):
        done = subprocess.run(["ssh-keygen", "-lf", self.path / "host_key.pub"], check=True,
                              capture_output=True, text=True)
        return done.stdout.split()[1]

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

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C.UTF-8"}

    def run_hadeploy(self, *args, status=0):
        done = subprocess.run(
            [PROGRAM, *args], cwd=self.project, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=120, check=False, env=self.environment())
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
        # The configuration can change at any time, even if nothing else does.
        (self.ssh / "config").write_text(f"Host web\n HostName 127.0.0.1\n Port {free_port()}\n")
        self.run_hadeploy("plan", status=65)
        (self.ssh / "config").write_text("Host web\n ProxyCommand true\n")
        self.assertIn("ProxyCommand is not supported", self.run_hadeploy("plan", status=65))

    def test_a_default_that_was_written_before(self):
        """A state of an older hadeploy, or a shorter spec, causes no change."""
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
        # the same, with everything in the spec
        (self.ssh / "config").write_text("")
        self.spec(f"address: 127.0.0.1, port: {server.port}, jump_host: '${{hop.connection}}'}}\n"
                  f"  hop: {{type: ssh.host, address: 127.0.0.1, port: {hop.port}")
        self.run_hadeploy("apply", "--auto-approve")
        self.assertEqual(self.made.read_text(), "hello")
        hop.stop()
        self.assertIn(f"connecting to root@127.0.0.1:{server.port}",
                      self.run_hadeploy("plan", status=69))

    def test_ssh_runs_a_command_on_a_machine(self):
        server = self.server("box")
        (self.ssh / "known_hosts").write_text(server.known())
        key = f"private_key_file: {self.ssh}/id_ed25519"
        self.spec(f"address: 127.0.0.1, port: {server.port}, {key}")
        self.assertIn("the state has no machine", self.run_hadeploy("ssh", "box", status=64))
        self.run_hadeploy("apply", "--auto-approve")
        config = self.project / ".hadeploy/ssh/config"
        self.assertEqual(self.run_hadeploy("ssh"),
                         f"box  root@127.0.0.1\nFor scp, sftp and rsync: ssh -F '{config}'\n")
        # what follows the name is for ssh, even if hadeploy has an option of this name
        self.assertEqual(self.run_hadeploy("ssh", "box", "echo", "--json", "--help", "'a  b'"), "--json --help a  b\n")
        self.run_hadeploy("ssh", "box", "exit 3", status=3)
        self.assertIn("Authenticated to", self.run_hadeploy("ssh", "box", "-v", "true"))
        subprocess.run(["scp", "-q", "-F", config, "box:/etc/hostname", self.path / "copy"], check=True)
        self.assertEqual((self.path / "copy").read_text(), pathlib.Path("/etc/hostname").read_text())
        self.assertIn('did you mean "box"?', self.run_hadeploy("ssh", "bx", status=64))
        server.install()
        self.assertIn("Host key verification failed", self.run_hadeploy("ssh", "box", "true", status=255))

    def test_each_machine_has_an_ssh_name_of_its_own(self):
        servers = {name: self.server(f"server{n}") for n, name in enumerate(("a.b", "A.B", "a.b-2", "box"))}
        own = self.server("own")
        places = "".join(f"  {json.dumps(name)}: {its.port}\n" for name, its in servers.items())
        (self.project / "hadeploy.yaml").write_text(
            f"name: test\nlocals:\n  ports:\n{places.replace('  ', '    ')}"
            "resources:\n  node: {type: ssh.host, for_each: '${local.ports}', address: 127.0.0.1, port: '${each.value}', "
            f"trust_on_first_use: true, private_key_file: {self.ssh}/id_ed25519}}\n"
            f"  box: {{type: ssh.host, address: 127.0.0.1, port: {own.port}, trust_on_first_use: true, "
            f"private_key_file: {self.ssh}/id_ed25519}}\n")
        self.run_hadeploy("apply", "--auto-approve")
        listed = json.loads(self.run_hadeploy("ssh", "--json"))["machines"]
        self.assertEqual(len({machine["name"].lower() for machine in listed}), 5)
        for machine in listed:
            for name in (machine["name"], machine["address"]):
                seen = self.run_hadeploy("ssh", name, "echo $SSH_CONNECTION").split()[-1]
                self.assertEqual(seen, str(machine["port"]), name)

    def test_ssh_refuses_a_link_and_an_unknown_host_key(self):
        server = self.server("box")
        (self.ssh / "known_hosts").write_text(server.known())
        self.spec(f"address: 127.0.0.1, port: {server.port}, private_key_file: {self.ssh}/id_ed25519")
        self.run_hadeploy("apply", "--auto-approve")
        (self.project / ".hadeploy/ssh").symlink_to(self.ssh)
        self.assertIn("is a symbolic link", self.run_hadeploy("ssh", "box", status=1))
        self.assertFalse((self.ssh / "config").exists())

    def test_ssh_through_a_jump_host(self):
        server, hop = self.server("box"), self.server("hop")
        odd = self.path / 'a "b\\ %h $HOME'
        odd.mkdir()
        shutil.copy(self.ssh / "id_ed25519", odd / "key")
        key = f"private_key_file: '{odd}/key'"
        self.spec(f"address: 127.0.0.1, port: {server.port}, trust_on_first_use: true, {key}, "
                  "jump_host: '${hop.connection}'}\n"
                  f"  hop: {{type: ssh.host, address: 127.0.0.1, port: {hop.port}, trust_on_first_use: true, {key}")
        self.run_hadeploy("apply", "--auto-approve")
        self.assertEqual(self.run_hadeploy("ssh", "box", "echo $SSH_CONNECTION").split()[-1], str(server.port))
        hop.stop()
        self.run_hadeploy("ssh", "box", "true", status=255)

    def test_a_machine_that_was_installed_again(self):
        server = self.server("box")
        self.spec(f"address: 127.0.0.1, port: {server.port}, trust_on_first_use: true")
        note = (f"note: box: the host key {server.fingerprint()} is accepted without a check "
                "(trust_on_first_use)")
        self.assertIn(note, self.run_hadeploy("plan"))
        self.run_hadeploy("apply", "--auto-approve")
        self.assertNotIn("trust_on_first_use", self.run_hadeploy("plan"))
        server.install()
        self.made.unlink()
        text = self.run_hadeploy("plan", status=69)
        self.assertIn("presents an unexpected host key", text)
        self.assertEqual(text.count("error:"), 1, text)  # nothing was sent to the unknown host
        self.assertIn("hadeploy state trust-host-key", text)
        self.run_hadeploy("state", "trust-host-key", "box", "--auto-approve")
        self.run_hadeploy("apply", "--auto-approve")
        self.assertEqual(self.made.read_text(), "hello")
        self.assertIn("Nothing to change", self.run_hadeploy("plan"))
        self.assertIn("has not changed", self.run_hadeploy("state", "trust-host-key", "box"))
        self.run_hadeploy("state", "trust-host-key", "file", status=64)
        # and requires the new one
        server.install()
        self.run_hadeploy("plan", status=69)

    def test_a_revoked_host_key_is_not_trusted(self):
        server = self.server("box")
        self.spec(f"address: 127.0.0.1, port: {server.port}, trust_on_first_use: true")
        self.run_hadeploy("apply", "--auto-approve")
        server.install()
        (self.ssh / "known_hosts").write_text("@revoked " + server.known())
        for words in (["--auto-approve"], ["--fingerprint", server.fingerprint()], ["--dry-run"]):
            text = self.run_hadeploy("state", "trust-host-key", "box", *words, status=69)
            self.assertIn("is revoked: " + server.fingerprint(), text)
        self.assertNotIn(server.known().split()[2], self.run_hadeploy("state", "pull"))

    def test_another_host_key_is_trusted_only_if_somebody_says_so(self):
        server = self.server("box")
        self.spec(f"address: 127.0.0.1, port: {server.port}, trust_on_first_use: true")
        self.run_hadeploy("apply", "--auto-approve")
        old = server.fingerprint()
        server.install()
        new = server.fingerprint()
        command = ("state", "trust-host-key", "box")
        shown = f"""box (127.0.0.1, port {server.port}) presents a different host key:
  known:     {old}
  presented: {new} (ssh-ed25519)
Compare the presented key with the output of `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the machine's console.
"""
        self.assertEqual(self.run_hadeploy(*command, status=64), f"""{shown}\
error: state trust-host-key needs approval, and there is no terminal to ask on
  hint: if this is the key of the machine: --fingerprint {new}
""")
        self.assertEqual(self.run_hadeploy(*command, "--dry-run"),
                         f"The host key of box was {old}, and would be {new}.\n")
        self.assertEqual(self.run_hadeploy(*command, "--fingerprint", old, status=1), f"""\
error: box presents the host key {new}, not {old}
  hint: the state was not changed. Check the machine's console (`ssh-keygen -lf \
/etc/ssh/ssh_host_ed25519_key.pub`): if it shows the given fingerprint, a different \
machine responds at this address
""")
        question = b'Trust the presented key from now on? Type "yes" to continue: '
        argv = [PROGRAM, "--no-color", *command]
        status, text = talk(argv, [(question, b"y\n")], self.environment(), self.project)
        self.assertEqual(status, 1)
        self.assertIn(b"Cancelled: nothing was changed.", text)
        self.run_hadeploy("plan", status=69)  # none of these has changed anything
        status, text = talk(argv, [(question, b"yes\n")], self.environment(), self.project)
        self.assertEqual(text.decode().replace("\r", ""), f"""{shown}
{question.decode()}yes
The host key of box was {old}, and is {new} from now on.
""")
        self.assertEqual(status, 0)
        self.assertIn("Nothing to change", self.run_hadeploy("plan"))
        self.assertEqual(self.run_hadeploy(*command), f"The host key of box has not changed: {new}.\n")
        server.install()
        self.run_hadeploy(*command, "--fingerprint", server.fingerprint())
        self.assertIn("Nothing to change", self.run_hadeploy("plan"))

    def test_a_stranger_is_asked_nothing(self):
        """Does not trust even a key from the machine itself, because a sudo password would be sent."""
        server = self.server("box")
        (self.project / "hadeploy.yaml").write_text(
            f"name: test\nresources:\n  box: {{type: ssh.host, address: 127.0.0.1, "
            f"port: {server.port}, trust_on_first_use: true}}\n")
        self.run_hadeploy("apply", "--auto-approve")
        server.install()
        self.assertIn("presents an unexpected host key", self.run_hadeploy("plan", status=69))

    @unittest.skipUnless(shutil.which("sudo"), "needs sudo")
    def test_each_host_has_a_sudo_password_of_its_own(self):
        hosts, words = "", []
        for name, password in (("one", "it's one"), ("two", "zwei \u00fc")):
            user = f"hadeploy-{name}-{os.getpid()}"
            subprocess.run(["useradd", "-M", "-d", "/tmp", "-s", "/bin/sh", user], check=True)
            self.addCleanup(subprocess.run, ["userdel", user], check=True)
            subprocess.run(["chpasswd"], input=f"{user}:{password}\n", text=True, check=True)
            rule = pathlib.Path("/etc/sudoers.d") / user
            rule.write_text(f"{user} ALL=(ALL) ALL\nDefaults:{user} !lecture\n")
            self.addCleanup(rule.unlink)
            server = self.server(name)
            with open(self.ssh / "known_hosts", "a") as known:
                known.write(server.known())
            hosts += f"""
  {name}:
    type: ssh.host
    address: 127.0.0.1
    port: {server.port}
    user: {user}
    become_password: ${{var.{name}}}
  file_{name}: {{type: host.file, host: "${{{name}.connection}}", path: {self.made}-{name}, content: x}}
  said_{name}: {{type: host.command, host: "${{{name}.connection}}", run: id -un}}
"""
            words += ["--var", f"{name}={password}"]
        self.path.chmod(0o755)
        self.ssh.chmod(0o755)
        spec = f"""name: test
variables: {{one: {{type: string, secret: true}}, two: {{type: string, secret: true}}}}
resources:{hosts}
outputs: {{who: "${{said_one.stdout}}", address: "${{one.connection.address}}"}}
"""
        (self.project / "hadeploy.yaml").write_text(spec)
        said = self.run_hadeploy("apply", "--auto-approve", *words)
        for name in ("one", "two"):
            self.assertEqual(pathlib.Path(f"{self.made}-{name}").stat().st_uid, 0)
        # the password hides neither the host's output nor its address
        self.assertEqual(self.run_hadeploy("output", "--raw", "who"), "root")
        self.assertEqual(self.run_hadeploy("output", "--raw", "address"), "127.0.0.1")
        self.assertIn("Nothing to change", self.run_hadeploy("plan", *words))
        for file in (self.project / ".hadeploy").iterdir():
            for password in ("it's one", "zwei \u00fc"):
                self.assertNotIn(password.encode(), file.read_bytes())
                self.assertNotIn(password, said)
        wrong = ["--var", "one=zwei", *words[2:]]
        said = self.run_hadeploy("plan", *wrong, status=69)
        self.assertIn("sudo does not accept the password", said)
        self.assertIn("correct `become_password` of the ssh.host or under providers: ssh", said)
        # removing needs no spec: the state has the passwords
        (self.project / "hadeploy.yaml").write_text("name: test\n")
        self.run_hadeploy("apply", "--auto-approve")
        self.assertFalse(pathlib.Path(f"{self.made}-two").exists())

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
    skips.main()
