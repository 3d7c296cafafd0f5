"""Two databases of the demo on a real Gluster volume: the active one loses its locks, a replica its disk.

The machine of the active database is cut from the others until they drop its locks and the standby becomes
active. When the link is back, the first database must not answer: a write that it acknowledged would be lost.
Needs root and glusterd; without them the test counts as skipped.
"""
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parents[1] / "cli")]
import gluster_test as gluster  # noqa: E402
import skips  # noqa: E402

ASK = """
import json, socket, struct, sys
def ask(request):
    body = json.dumps(request).encode()
    with socket.create_connection(("127.0.0.1", 7000), 2) as s:
        s.settimeout(5)
        s.sendall(struct.pack(">I", len(body)) + body)
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
            more = s.recv(65536)
            if not more: raise OSError("closed")
            data += more
    return json.loads(data[4:])
for line in sys.stdin:
    try: answer = ask(json.loads(line))
    except OSError as error: answer = {"ok": False, "code": "network", "message": str(error)}
    print(json.dumps(answer), flush=True)
"""

USER = "10000"


class Database:
    """A database service on a machine, and a client beside it."""

    def __init__(self, lab, name):
        self.name, self.written, self.ids = name, [], 0
        space = lab.machines[name]
        lab.mount(name)
        # as in its image, with a directory and a user of its own
        space.run("sh", "-c", f"mkdir -p /run/v/app; chown {USER}:{USER} /run/v/app; chmod 0750 /run/v/app")
        environment = dict(os.environ, DATA_DIR="/run/v/app", NODE_NAME=name, LOGGER="127.0.0.1:1")
        space.run("install", "-m", "0755", gluster.BUILD / "services" / "database", "/run/database")
        self.log = open(lab.root / f"{name}.database", "w")
        self.service = subprocess.Popen(
            space.argv("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "/run/database"),
            env=environment, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log)
        self.client = subprocess.Popen(space.argv(sys.executable, "-c", ASK), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        self.client.stdin.write(json.dumps(request) + "\n")
        self.client.stdin.flush()
        return json.loads(self.client.stdout.readline())

    def put(self):
        """Whether a new write is acknowledged."""
        self.ids += 1
        ident = f"{self.name}-{self.ids}"
        answer = self.ask(op="put", id=ident, name="x", quantity=1)
        if answer["ok"]:
            self.written.append(ident)
        return answer["ok"]

    def end(self):
        for process in (self.client, self.service):
            process.kill()
            process.wait()
        self.client.stdin.close()
        self.client.stdout.close()
        self.log.close()


@unittest.skipIf(gluster.WHY_NOT, gluster.WHY_NOT)
class DatabaseOnGluster(unittest.TestCase):
    setUp = gluster.RealGluster.setUp
    want = gluster.RealGluster.want
    argv = gluster.RealGluster.argv
    hadeploy = gluster.RealGluster.hadeploy
    apply = gluster.RealGluster.apply
    on = gluster.RealGluster.on

    def database(self, name):
        database = Database(self.lab, name)
        self.addCleanup(database.end)
        return database

    def wait(self, what, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.2)

    def link(self, name, state):
        self.lab.switch.run("ip", "link", "set", "v" + name.removeprefix("node"), state)

    def databases(self):
        """The active one on node1, and a standby on node2."""
        for name in ("node1", "node2", "node3"):
            self.lab.start(name)
        self.want(3, options=None)
        self.apply()
        first = self.database("node1")
        self.wait("the first database is active", first.put)
        second = self.database("node2")
        self.wait("the second one stands by", lambda: second.ask(op="ping").get("standby"))
        for _ in range(20):
            self.assertTrue(first.put())
        return first, second

    def successor(self, first, second):
        """Lets the second database become active while the first one notices nothing. Both then run."""
        time.sleep(5)  # no request is under way that could fail
        self.link("node1", "down")
        self.wait("the second database is active", second.put)
        for _ in range(20):
            self.assertTrue(second.put())
        self.link("node1", "up")
        time.sleep(8)  # the volume connects again

    def test_a_database_without_its_locks_acknowledges_no_write(self):
        first, second = self.databases()
        self.successor(first, second)
        acknowledged = [first.put() for _ in range(50) if second.put() or True]
        self.assertEqual(acknowledged.count(True), 0)
        found = second.ask(op="writes", after=0, limit=1000)
        self.assertTrue(found["ok"], found)
        read = {w["id"] for w in found["writes"]}
        self.assertEqual([w for w in first.written + second.written if w not in read], [])

    def test_a_database_without_its_locks_answers_no_read(self):
        first, second = self.databases()
        self.successor(first, second)
        self.assertEqual(first.ask(op="writes", after=0, limit=1000).get("code"), "standby")
        self.assertTrue(second.ask(op="writes", after=0, limit=1000)["ok"])

    def test_a_replica_that_comes_back_gets_the_writes(self):
        first, second = self.databases()
        self.link("node3", "down")
        self.wait("writes work without node3", first.put)
        time.sleep(8)
        self.assertTrue(first.put())
        self.link("node3", "up")

        time.sleep(8)
        self.heals_under_load(first, second)

    def test_a_replica_with_a_new_disk_gets_the_writes(self):
        first, second = self.databases()
        self.lab.lose("node3")
        self.wait("writes work without node3", first.put)
        self.lab.start("node3")
        self.assertIn("waiting until every brick has all files", self.apply())
        self.heals_under_load(first, second)

    def test_a_replica_that_first_refuses_the_files_gets_the_writes(self):
        """As a new disk does, where a file has no owner yet."""
        first, second = self.databases()
        files = "/mnt/bricks/vol0/app/entities.*"
        self.link("node3", "down")
        self.wait("writes work without node3", first.put)
        time.sleep(8)
        self.assertTrue(first.put())
        self.on("node3", f"chown 0:0 {files}; chmod 0600 {files}")
        self.link("node3", "up")
        reopened = lambda: any("reopening" in (self.lab.root / f"node{n}.database").read_text() for n in (1, 2))
        self.wait("the database has opened its files again", reopened)
        self.on("node3", f"chown {USER}:{USER} {files}; chmod 0644 {files}")
        self.heals_under_load(first, second)

    def heals_under_load(self, first, second):
        """Waits until no replica misses a write, while more are written."""
        self.healed = 0  # in a row: a heal between two writes does not count

        def healed():
            for database in (first, second):  # either may be active
                database.put()
            time.sleep(1)
            info = self.lab.machines["node2"].run("gluster", "volume", "heal", "vol0", "info").stdout
            self.healed = self.healed + 1 if info.count("Number of entries: 0") == 3 else 0
            return self.healed == 4
        self.wait("all replicas have all writes while more are written", healed, 60)


if __name__ == "__main__":
    skips.main()
