#!/usr/bin/env python3
"""`hadeploy backup` and `restore` of a directory and of a mounted volume, which is lost in between: the real
program against a real sshd in a mount namespace. Everything that it changes is in a temporary directory.

usage: backup_test.py HADEPLOY [unittest options]
"""
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"

import skips
from terminal import talk

POSSIBLE = os.geteuid() == 0 and os.path.exists("/usr/sbin/sshd")
MOST_SECONDS = 120
USER = 4711  # nobody's number


def make_tree(top):
    """Files of all kinds with unusual names and attributes."""
    top = os.fsencode(top)

    def at(*names):
        return os.path.join(top, *(n if isinstance(n, bytes) else n.encode() for n in names))

    def write(path, content):
        with open(path, "wb") as file:
            file.write(content)

    for name in (b"plain", b"-rf", b" ", b"a\nb", b"\xff\xfe", b"'\"$(x)", b"..x", b".hidden", "ü".encode(), b"*"):
        write(at(name), b"content of " + name)
    os.mkdir(at("dir"))
    os.mkdir(at("dir", "empty"))
    write(at("dir", "big"), bytes(range(256)) * 8192)
    os.link(at("dir", "big"), at("linked"))
    write(at("private"), b"secret")
    os.chown(at("private"), USER, USER + 1)
    os.chmod(at("private"), 0o600)
    os.chmod(at("plain"), 0o4755)
    os.chmod(at("-rf"), 0o000)
    os.chown(at("dir"), USER, 0)
    os.chmod(at("dir"), 0o2770)
    os.symlink("/etc/passwd", at("to-passwd"))
    os.symlink("nowhere", at("dangling"))
    os.lchown(at("dangling"), USER, USER)
    os.mkfifo(at("fifo"), 0o640)
    os.mknod(at("null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    with open(at("sparse"), "wb") as file:
        file.write(b"begin")
        file.seek(20_000_000)
        file.write(b"end")
    os.setxattr(at("plain"), "trusted.note", b"of root")
    os.setxattr(top, "trusted.note", b"of the directory itself")
    acl = bytes.fromhex("02000000" "01000600ffffffff" "02000600" + USER.to_bytes(4, "little").hex() +
                        "04000400ffffffff" "10000600ffffffff" "20000000ffffffff")
    os.setxattr(at("private"), "system.posix_acl_access", acl)
    os.utime(at("plain"), ns=(1_000_000_001, 1_234_567_890_123_456_789))


def snapshot(top):
    """Everything about the files below a directory, and about itself but its time."""
    top = os.fsencode(top)
    out, groups = {}, {}
    for path in sorted([top, *(os.path.join(d, n) for d, dirs, files in os.walk(top) for n in dirs + files)]):
        info = os.lstat(path)
        name = os.path.relpath(path, top)
        entry = [stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, info.st_rdev,
                 None if path == top else info.st_mtime_ns]
        if stat.S_ISREG(info.st_mode):
            with open(path, "rb") as file:
                entry += [info.st_size, hashlib.sha256(file.read()).hexdigest(), info.st_blocks * 512 < info.st_size / 2]
            groups.setdefault(info.st_ino, []).append(name)
        if stat.S_ISLNK(info.st_mode):
            entry.append(os.readlink(path))
        else:
            entry.append({key: os.getxattr(path, key, follow_symlinks=False)
                          for key in os.listxattr(path, follow_symlinks=False)})
        out[name] = entry
    return out, sorted(map(sorted, groups.values()))


class Cutter:
    """A proxy to a port, whose connections break after so many bytes in a direction; None: never."""

    def __init__(self, port):
        self.port, self.up, self.down = port, None, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            for source, to, most in ((client, server, self.up), (server, client, self.down)):
                threading.Thread(target=self._copy, args=(source, to, most), daemon=True).start()

    @staticmethod
    def _copy(source, to, most):
        count = 0
        try:
            while data := source.recv(65536):
                count += len(data)
                if most is not None and count > most:
                    break
                to.sendall(data)
        except OSError:
            pass
        for end in (source, to):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@unittest.skipUnless(POSSIBLE, "needs root and sshd")
class BackupTest(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-backup-test-")).resolve()
        self.addCleanup(shutil.rmtree, self.path)
        for name in ("project", "host", "host/vol", "host/small"):
            (self.path / name).mkdir()
        self.path.chmod(0o755)
        self.start_host()
        self.cutter = Cutter(self.port)
        self.addCleanup(self.cutter.listener.close)
        self.data = self.path / "host" / "data"
        self.file = self.path / "saved"
        key = " ".join((self.path / "host_key.pub").read_text().split()[:2])
        (self.path / "project" / "hadeploy.yaml").write_text(f"""name: test
resources:
  node: {{type: ssh.host, address: 127.0.0.1, port: {self.cutter.listener.getsockname()[1]}, user: root,
          private_key_file: {self.path}/key, host_key: {key}}}
  app: {{type: host.directory, host: "${{node.connection}}", path: {self.data}, mode: "0751"}}
  small: {{type: host.directory, host: "${{node.connection}}", path: {self.path}/host/small}}
""")
        self.hadeploy("apply", "--auto-approve")

    def start_host(self):
        for name in ("key", "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path / name], check=True)
        self.port = free_port()
        (self.path / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nPidFile none\nHostKey {self.path}/host_key\nStrictModes no\n"
            f"UsePAM no\nAuthorizedKeysFile {self.path}/key.pub\nPermitRootLogin yes\n")
        os.makedirs("/run/sshd", exist_ok=True)
        host = subprocess.Popen(
            ["unshare", "-m", "--propagation=private", "sh", "-c",
             "mount -t tmpfs -o size=1m small host/small && mount -t tmpfs vol host/vol && "
             "exec /usr/sbin/sshd -D -e -f \"$PWD/sshd_config\""],
            cwd=self.path, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.host = host
        self.addCleanup(host.wait)
        self.addCleanup(host.terminate)
        for _ in range(400):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("sshd does not start")

    def hadeploy(self, *words, code=0, **more):
        done = subprocess.run([PROGRAM, *map(str, words)], cwd=self.path / "project", capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=MOST_SECONDS, check=False,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.path)}, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def seen(self, path):
        """The path as the host sees it."""
        return pathlib.Path(f"/proc/{self.host.pid}/root{path}")

    def saved(self):
        make_tree(self.data)
        before = snapshot(self.data)
        self.hadeploy("backup", "app", self.file)
        return before

    def restore(self, *words, code=0, address="app"):
        return self.hadeploy("restore", address, self.file, "--auto-approve", *words, code=code)

    def assert_nothing_left(self, directory=None):
        self.assertEqual([p.name for p in (directory or self.data).iterdir() if p.name.startswith(".hadeploy")], [])
        self.assertEqual([p.name for p in self.path.iterdir() if p.name.startswith(".saved")], [])

    def test_a_lost_directory_is_restored_identically(self):
        before = self.saved()
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertTrue(any(len(group) == 2 for group in before[1]))
        shutil.rmtree(self.data)
        self.assertIn("there is no directory", self.restore(code=1))
        self.hadeploy("apply", "--auto-approve")
        self.assertIn("app now has the files of app of 20", self.restore())
        self.assertEqual(snapshot(self.data), before)
        self.assert_nothing_left()
        self.assertIn("Nothing to change", self.hadeploy("plan"))

    def test_it_opens_without_hadeploy(self):
        self.saved()
        listed = subprocess.run(["tar", "-tf", self.file], check=True, capture_output=True, text=True).stdout.split()
        self.assertEqual(listed[1:], ["manifest.json"])
        subprocess.run(["tar", "-xf", self.file], cwd=self.path, check=True)
        manifest = json.loads((self.path / "manifest.json").read_text())
        archive = self.path / listed[0]
        self.assertEqual(manifest["sha256"], hashlib.sha256(archive.read_bytes()).hexdigest())
        self.assertEqual([manifest["address"], manifest["project"], manifest["changed"]], ["app", "test", False])
        names = subprocess.run(["tar", "-tf", archive], check=True, capture_output=True).stdout.splitlines()
        self.assertEqual(manifest["entries"], len(names) - 1)  # not the directory itself

    def test_a_lost_volume(self):
        self.record_mount()
        volume = self.seen(self.path / "host" / "vol")
        make_tree(volume)
        before = snapshot(volume)
        self.hadeploy("backup", "mount", self.file)
        self.enter("umount", self.path / "host" / "vol")
        self.assertIn("nothing is mounted on", self.restore(address="mount", code=1))
        self.assertIn("nothing is mounted on", self.hadeploy("backup", "mount", self.path / "other", code=1))
        self.enter("mount", "-t", "tmpfs", "new", self.path / "host" / "vol")
        self.restore(address="mount")
        self.assertEqual(snapshot(volume), before)
        self.assert_nothing_left(volume)
        self.assertEqual(list((self.path / "host" / "vol").iterdir()), [])  # nothing below the mount

    def enter(self, *words):
        subprocess.run(["nsenter", "-t", str(self.host.pid), "-m", *map(str, words)], check=True)

    def record_mount(self):
        """Records a mount of a volume, as there is no Gluster here."""
        state = json.loads(self.hadeploy("state", "pull"))
        data = next(r for r in state["resources"] if r["address"] == "app")
        attributes = {"host": data["attributes"]["host"], "path": str(self.path / "host" / "vol"), "volume": "vol0"}
        state["resources"].append(data | {
            "address": "mount", "type": "gluster.mount", "config": attributes, "attributes": attributes,
            "identity": data["identity"][:-1] + ("0" if data["identity"][-1] != "0" else "1")})
        state["serial"] += 1
        (self.path / "pushed").write_text(json.dumps(state))
        self.hadeploy("state", "push", "--edited", self.path / "pushed")

    def test_contents_are_replaced_only_with_overwrite(self):
        before = self.saved()
        (self.data / "new").write_text("later")
        (self.data / "plain").write_text("changed")
        changed = snapshot(self.data)
        self.assertIn(f"{self.data} is not empty", self.restore(code=1))
        self.assertEqual(snapshot(self.data), changed)
        self.restore("--overwrite")
        self.assertEqual(snapshot(self.data), before)
        self.assert_nothing_left()

    def test_a_damaged_backup_changes_nothing(self):
        before = self.saved()
        good = self.file.read_bytes()
        size = json.loads(self.tar_member("manifest.json"))["size"]
        after = 512 + size + (-size % 512)  # the header of the manifest
        self.host.terminate()  # it is not even contacted
        damaged = {"first byte": self.flipped(good, 0), "size": self.flipped(good, 126), "begin": self.flipped(good, 512),
                   "middle": self.flipped(good, 512 + size // 2), "end": self.flipped(good, 511 + size),
                   "header": self.flipped(good, after + 3), "checksum": self.flipped(good, good.index(b'"sha256"') + 15),
                   "no end": good[:after], "half": good[:len(good) // 2], "header only": good[:512], "empty": b""}
        for what, content in damaged.items():
            with self.subTest(what):
                self.file.write_bytes(content)
                self.assertRegex(self.restore("--overwrite", code=1), "is damaged: |is not a backup")
        self.assertEqual(snapshot(self.data), before)

    @staticmethod
    def flipped(content, at):
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]

    def tar_member(self, name):
        return subprocess.run(["tar", "-xOf", self.file, name], check=True, capture_output=True).stdout

    def test_an_existing_file_is_kept(self):
        self.file.write_text("mine")
        self.assertIn("exists already", self.hadeploy("backup", "app", self.file, code=1))
        self.assertEqual(self.file.read_text(), "mine")
        self.assert_nothing_left()

    def test_a_full_disk_here(self):
        self.fill()

        def little_room():
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        text = self.hadeploy("backup", "app", self.file, code=1, preexec_fn=little_room)
        self.assertIn("cannot write", text)
        self.assertFalse(self.file.exists())
        self.assert_nothing_left()

    def fill(self):
        """Data that cannot be compressed."""
        (self.data / "random").write_bytes(os.urandom(3_000_000))

    def test_a_full_disk_of_the_host(self):
        self.fill()
        self.hadeploy("backup", "app", self.file)
        small = self.seen(self.path / "host" / "small")
        (small / "mine").write_text("before")
        self.restore("--overwrite", address="small", code=1)
        self.assertEqual([p.name for p in small.iterdir()], ["mine"])
        self.assertEqual((small / "mine").read_text(), "before")

    def test_a_broken_connection(self):
        self.fill()
        self.cutter.down = 500_000
        self.hadeploy("backup", "app", self.file, code=69)
        self.assertFalse(self.file.exists())
        self.assert_nothing_left()
        self.cutter.down = None
        before = snapshot(self.data)
        self.hadeploy("backup", "app", self.file)
        (self.data / "random").unlink()
        (self.data / "mine").write_text("before")
        self.cutter.up = 500_000
        self.restore("--overwrite", code=69)
        self.assertEqual((self.data / "mine").read_text(), "before")
        self.assertFalse((self.data / "random").exists())
        self.cutter.up = None
        self.restore("--overwrite")  # although the host may not have noticed the end yet
        self.assertEqual(snapshot(self.data), before)
        self.assert_nothing_left()

    def test_links_of_a_user_are_not_followed(self):
        self.saved()
        other = self.path / "elsewhere"
        other.mkdir()
        (other / "kept").write_text("kept")
        os.chown(self.path / "host", USER, USER)
        self.data.rename(self.path / "host" / "moved")
        self.data.symlink_to(other)
        os.lchown(self.data, USER, USER)
        self.assertIn("is a symbolic link that a user may have created", self.restore("--overwrite", code=1))
        self.assertIn("is a symbolic link", self.hadeploy("backup", "app", self.path / "second", code=1))
        self.assertEqual([p.name for p in other.iterdir()], ["kept"])
        self.assertFalse((self.path / "second").exists())

    def test_leftovers_of_a_restore(self):
        before = self.saved()
        left = self.data / ".hadeploy-restore.abcdef"
        (left / "new").mkdir(parents=True)  # killed while it was unpacking
        self.restore("--overwrite")
        self.assertEqual(snapshot(self.data), before)
        (left / "old").mkdir(parents=True)  # killed while the entries changed places
        (left / "old" / "precious").write_text("x")
        self.assertIn("left the previous contents in", self.restore("--overwrite", code=1))
        self.assertEqual((left / "old" / "precious").read_text(), "x")

    def test_approval(self):
        before = self.saved()
        argv = [PROGRAM, "restore", "app", str(self.file), "--overwrite"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.path)}
        (self.data / "plain").write_text("changed")
        code, shown = talk(argv, [(b"continue: ", b"y\n")], environment, self.path / "project")
        self.assertEqual(code, 1, shown)
        self.assertIn(b"nothing was changed", shown)
        self.assertEqual((self.data / "plain").read_text(), "changed")
        self.assertIn("needs approval", self.hadeploy(*argv[1:], code=64))
        code, shown = talk(argv, [(b"continue: ", b"yes\n")], environment, self.path / "project")
        self.assertEqual(code, 0, shown)
        self.assertEqual(snapshot(self.data), before)

    def test_what_has_no_files(self):
        text = self.hadeploy("backup", "node", self.file, code=64)
        self.assertIn("node is a ssh.host, which has no files to back up", text)
        self.assertIn("resources with files: app, small", text)
        self.assertFalse(self.file.exists())


if __name__ == "__main__":
    skips.main()
