#!/usr/bin/env python3
"""A private PostgreSQL server for tests: in a temporary directory, on a Unix socket and loopback, run by an
ordinary user.

usage: postgres_server.py [--pgbouncer] COMMAND [ARGUMENT...]

Runs the command with HADEPLOY_TEST_STATE, the URL of a database, and HADEPLOY_TEST_SERVER, that of the same
database without PgBouncer. Exits with 77, which CTest reports as skipped, if the programs are missing.
"""
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402

MOST_SECONDS = 60


class Missing(Exception):
    """Something that the server needs is not installed."""


def program(name):
    found = shutil.which(name) or next(
        iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if found is None:
        raise Missing(f"no {name} here: apt-get install {'pgbouncer' if name == 'pgbouncer' else 'postgresql'}")
    return found


def ordinary_user():
    """Keyword arguments of subprocess for a user who is not root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        except KeyError:
            pass
    raise Missing("no user postgres or nobody, and root cannot run PostgreSQL")


def children_of(parent):
    out = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                out.append(int(stat.parent.name))
        except OSError:  # it has ended
            pass
    return out


class Server:
    """A server with the superuser "hadeploy" and the database "postgres"."""

    def __init__(self, options=(), pgbouncer=False):
        self.user = ordinary_user()
        self.pg_ctl, self.psql = program("pg_ctl"), program("psql")
        self.bouncer = None
        bouncer = program("pgbouncer") if pgbouncer else None
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-postgres-", dir="/tmp"))
        self.data = self.directory / "data"
        if self.user:
            os.chown(self.directory, self.user["user"], self.user["group"])
        os.chmod(self.directory, 0o755)
        self.port = free_port()
        try:
            self.run(program("initdb"), "-N", "-D", self.data, "-U", "hadeploy", "-A", "trust", "-E", "UTF8",
                     "--locale=C")
            with open(self.data / "postgresql.conf", "a") as config:
                config.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                             f"unix_socket_directories = '{self.directory}'\nmax_connections = 60\n"
                             "fsync = off\nshared_buffers = 16MB\n" + "".join(f"{o}\n" for o in options))
            self.start()
            if bouncer:
                self.start_bouncer(bouncer)
        except BaseException:
            self.close()
            raise

    def run(self, *command, check=True):
        done = subprocess.run([str(word) for word in command], cwd=self.directory, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=MOST_SECONDS, **self.user)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stdout}")
        return done.stdout

    def start(self):
        self.run(self.pg_ctl, "-D", self.data, "-w", "-l", self.data.with_suffix(".log"), "start")

    def stop(self, mode="fast"):
        self.run(self.pg_ctl, "-D", self.data, "-w", "-m", mode, "stop", check=False)

    def processes(self):
        """The server's processes: the first one is the parent of the others."""
        parent = int((self.data / "postmaster.pid").read_text().split()[0])
        return [parent, *children_of(parent)]

    def restart(self, mode="immediate"):
        self.run(self.pg_ctl, "-D", self.data, "-w", "-m", mode, "-l", self.data.with_suffix(".log"), "restart")

    def start_bouncer(self, bouncer):
        """Transactions share a few connections, so that consecutive ones run on different ones."""
        self.bouncer_port = free_port()
        (self.directory / "users").write_text('"hadeploy" ""\n')
        config = self.directory / "pgbouncer.ini"
        config.write_text(f"[databases]\n* = host={self.directory} port={self.port}\n[pgbouncer]\n"
                          f"listen_addr = 127.0.0.1\nlisten_port = {self.bouncer_port}\n"
                          f"unix_socket_dir = {self.directory}\nauth_type = trust\n"
                          f"auth_file = {self.directory}/users\npool_mode = transaction\n"
                          f"default_pool_size = 5\nserver_round_robin = 1\n"
                          f"logfile = {self.directory}/pgbouncer.log\n")
        self.bouncer = subprocess.Popen([bouncer, "-q", str(config)], stdin=subprocess.DEVNULL, **self.user)
        deadline = time.monotonic() + MOST_SECONDS
        while not (self.directory / f".s.PGSQL.{self.bouncer_port}").exists():
            if time.monotonic() > deadline or self.bouncer.poll() is not None:
                raise RuntimeError("PgBouncer did not start")
            time.sleep(0.02)

    def url(self, schema=None, direct=False, user="hadeploy", **parameters):
        port = self.bouncer_port if self.bouncer and not direct else self.port
        words = [f"{name}={value}" for name, value in parameters.items()]
        words = [f"host={self.directory}", f"port={port}"] + words + ([f"schema={schema}"] if schema else [])
        return f"postgresql://{user}@/postgres?{'&'.join(words)}"

    def sql(self, text, user="hadeploy", database="postgres"):
        return self.run(self.psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.directory,
                        "-p", self.port, "-U", user, "-d", database, "-c", text).strip()

    def close(self):
        if self.bouncer is not None:
            self.bouncer.send_signal(signal.SIGTERM)
            try:
                self.bouncer.wait(10)
            except subprocess.TimeoutExpired:
                self.bouncer.kill()
        if self.data.exists():
            self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class Standby(Server):
    """A streaming copy of a server, in the same directory."""

    def __init__(self, primary):
        self.user, self.pg_ctl, self.psql, self.bouncer = primary.user, primary.pg_ctl, primary.psql, None
        self.directory, self.data, self.port = primary.directory, primary.directory / "standby", free_port()
        self.run(program("pg_basebackup"), "-h", self.directory, "-p", primary.port, "-U", "hadeploy", "-D", self.data,
                 "-R", "-X", "stream", "-c", "fast")
        with open(self.data / "postgresql.conf", "a") as config:
            config.write(f"port = {self.port}\n")
        self.start()

    def promote(self):
        self.run(self.pg_ctl, "-D", self.data, "-w", "promote")

    def close(self):
        self.stop("immediate")


class OldServer(threading.Thread):
    """Answers logins like a server of version 9.6, after a notice if there is one."""

    def __init__(self, notice=""):
        super().__init__(daemon=True)
        self.notice = notice
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        def message(kind, content):
            return kind + struct.pack("!I", len(content) + 4) + content
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                while True:
                    size = struct.unpack("!I", peer.recv(4, socket.MSG_WAITALL))[0]
                    request = peer.recv(size - 4, socket.MSG_WAITALL)
                    if request[:4] not in (struct.pack("!I", 80877103), struct.pack("!I", 80877104)):
                        break
                    peer.sendall(b"N")  # neither TLS nor GSSAPI
                notice = b"SNOTICE\x00C00000\x00M" + self.notice.encode() + b"\x00\x00"
                peer.sendall(message(b"R", struct.pack("!I", 0)) +
                             (message(b"N", notice) if self.notice else b"") +
                             message(b"S", b"server_version\x009.6.24\x00") +
                             message(b"S", b"server_encoding\x00UTF8\x00") + message(b"Z", b"I"))
                peer.recv(1)


def main():
    words = sys.argv[1:]
    pgbouncer = words[:1] == ["--pgbouncer"]
    if pgbouncer:
        words = words[1:]
    try:
        server = Server(pgbouncer=pgbouncer)
    except Missing as reason:
        print(f"SKIPPED: {reason}")
        return 77
    with server:
        environment = {**os.environ, "HADEPLOY_TEST_STATE": server.url(),
                       "HADEPLOY_TEST_SERVER": server.url(direct=True)}
        return subprocess.run(words, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
