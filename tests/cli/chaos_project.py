"""Three nodes for tests of `hadeploy chaos`: real sshds in mount namespaces with a fake Docker, and an app that
answers."""
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import own_sshd
from own_sshd import MACHINE_WITH_DOCKER


class Machine:
    def __init__(self, path, key, api):
        self.path = path
        self.port = own_sshd.prepare(path, key)
        self.process = own_sshd.start(path, self.port, MACHINE_WITH_DOCKER, path, api)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def tool(self, name, text):
        (self.path / "bin" / name).write_text("#!/bin/sh\n" + text)
        (self.path / "bin" / name).chmod(0o755)


class App(http.server.BaseHTTPRequestHandler):
    """Answers reads, and keeps the IDs of writes."""
    writes = []

    def do_GET(self):
        self.reply(json.dumps(self.writes))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.writes.append(body["id"])
        self.reply("{}")

    def reply(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        try:
            self.wfile.write(text.encode())
        except BrokenPipeError:  # a killed drill
            pass

    def log_message(self, *_):
        pass


class ChaosProject(unittest.TestCase):
    program = "hadeploy"
    environment = None
    providers = ""

    @classmethod
    def setUpClass(cls):
        cls.path = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-chaos-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.path)
        cls.api = cls.path / "api"
        cls.api.mkdir()
        app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
        threading.Thread(target=app.serve_forever, daemon=True).start()
        cls.addClassCleanup(app.server_close)
        cls.addClassCleanup(app.shutdown)
        key = cls.path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        cls.machines, hosts, resources = {}, [], ""
        for name in ("node1", "node2", "node3"):
            machine = Machine(cls.path / name, key, cls.api)
            cls.addClassCleanup(machine.stop)
            cls.machines[name] = machine
            host_key = own_sshd.public_key(machine.path)
            resources += (f"  {name}: {{type: ssh.host, address: 127.0.0.1, port: {machine.port}, "
                          f"user: root, private_key_file: {key}, host_key: {host_key}}}\n")
            hosts.append(f"{name}: '${{{name}.connection}}'")
        (cls.path / "hadeploy.yaml").write_text(
            f"name: test\n{cls.providers}resources:\n{resources}"
            f"chaos: {{urls: ['http://127.0.0.1:{app.server_port}'], hosts: {{{', '.join(hosts)}}}, "
            "baseline: 300ms, settle: 300ms, hold: 300ms, poll: 100ms, patience: 30s}\n")
        done = subprocess.run([cls.program, "apply", "--auto-approve"], cwd=cls.path, text=True,
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def setUp(self):
        self.swarm()
        for machine in self.machines.values():
            for tool in (machine.path / "bin").iterdir():
                tool.unlink()

    def swarm(self, down=""):
        nodes = [{"ID": f"id-{name}", "Description": {"Hostname": name},
                  "Status": {"State": "down" if name == down else "ready", "Addr": "127.0.0.1"},
                  "Spec": {"Role": "manager", "Availability": "active"},
                  "ManagerStatus": {"Leader": name == "node2",
                                    "Reachability": "unreachable" if name == down else "reachable"}}
                 for name in self.machines]
        for name, content in (("nodes", nodes), ("services", []), ("tasks", [])):
            (self.api / "new").write_text(json.dumps(content))
            (self.api / "new").rename(self.api / name)

    def chaos(self, *words, status=0):
        done = subprocess.run([self.program, "chaos", *words], cwd=self.path, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=120, check=False,
                              env=self.environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def refused(self, expected, *words):
        text = self.chaos(*words, "--progress", "quiet", status=1)
        self.assertEqual(text, expected)
        self.assertEqual(self.chaos("list"), "No fault is active.\n")

    def start(self, *words):
        """A drill, from the time at which its fault is recorded; it lasts long."""
        drill = subprocess.Popen([self.program, "chaos", *words, "--hold", "600"], cwd=self.path,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 stdin=subprocess.DEVNULL, env=self.environment)
        for _ in range(300):
            if self.listed():
                return drill
            if drill.poll() is not None:
                break
            time.sleep(0.1)
        drill.kill()
        raise AssertionError(drill.communicate()[0])

    def start_and_kill(self, *words):
        """A drill that is killed during its fault."""
        drill = self.start(*words)
        drill.kill()
        drill.communicate()

    def listed(self):
        return [(f["node"], f["kind"], f["undo_armed"])
                for f in json.loads(self.chaos("list", "--json"))["faults"]]


def main(program):
    ChaosProject.program = program
    if os.geteuid() != 0 or not os.path.exists("/usr/sbin/sshd"):
        print("SKIPPED: needs root and sshd")
        sys.exit(77)
    unittest.main(module="__main__")
