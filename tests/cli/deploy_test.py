#!/usr/bin/env python3
"""A rolling deployment behind two HAProxys under constant load: five deployments, one of which fails, lose no
request. The real program against real HAProxys and sshds; a program stands for Docker, and starts and stops
the app, which does not answer in between.

usage: deploy_test.py HADEPLOY
"""
import collections
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import own_sshd
from own_sshd import MACHINE_WITH_DOCKER, free_port

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"

# The app; a version named "broken" fails its check.
APP = """
import http.server, sys, time
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(0.5)
        text = "pong" if self.path == "/ping" else "hello world from " + sys.argv[2]
        self.send_response(500 if sys.argv[2] == "broken" else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()
"""

# As `docker compose up` does, the old container is stopped before the new one is started.
DOCKER = """#!/bin/sh
case $* in
'compose version'|*' config -q') ;;
ps*) if [ -e {path}/pid ]; then echo "app-web-1 Up 9 seconds"; fi ;;
*' up '*)
    echo "up $TAG" >>{path}/log
    if [ -e {path}/pid ]; then kill "$(cat {path}/pid)"; fi
    sleep 0.3
    setsid python3 {path}/app.py {port} "$TAG" >/dev/null 2>&1 </dev/null &
    echo $! >{path}/pid ;;
*' down '*) kill "$(cat {path}/pid)"; rm {path}/pid ;;
esac
"""

HAPROXY = """
global
    stats socket {socket} mode 600 level admin
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
    retries 0
frontend web
    bind 127.0.0.1:{port}
    default_backend app
backend app
    option httpchk GET /ping
    default-server check inter 200ms fall 2 rise 2
{servers}
"""


class Machine:
    def __init__(self, path, key):
        self.path = path
        self.port = own_sshd.prepare(path, key)
        self.app_port = free_port()
        (path / "app.py").write_text(APP)
        self.tool("docker", DOCKER.format(path=path, port=self.app_port))
        self.tool("dockerd", "#!/bin/sh\n")
        self.process = own_sshd.start(path, self.port, MACHINE_WITH_DOCKER, path, path / "api")

    def tool(self, name, text):
        (self.path / "bin" / name).write_text(text)
        (self.path / "bin" / name).chmod(0o755)

    def started(self):
        return (self.path / "log").read_text().split("up ")[1:]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Balancer:
    """An HAProxy on the loopback interface."""

    def __init__(self, path, machines):
        self.port, self.socket = free_port(), path.with_suffix(".sock")
        servers = "".join(f"    server {name} 127.0.0.1:{m.app_port}\n" for name, m in machines.items())
        path.write_text(HAPROXY.format(socket=self.socket, port=self.port, servers=servers))
        self.process = subprocess.Popen(["haproxy", "-db", "-f", path], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def get(self, path="/"):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return response.read().decode()


class Load:
    """Requests to all balancers; counts the answers and keeps the failures."""

    def __init__(self, balancers):
        self.answers, self.failures = collections.Counter(), []
        self.ends, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(b, path))
                        for b in balancers for path in ("/", "/", "/slow")]
        for thread in self.threads:
            thread.start()

    def run(self, balancer, path):
        while not self.ends.wait(0.05):
            try:
                answer = balancer.get(path)
                with self.lock:
                    self.answers[answer] += 1
            except OSError as error:
                with self.lock:
                    self.failures.append(f"{time.strftime('%X')} {path}: {error}")

    def taken(self):
        """The versions that have answered since the last call."""
        with self.lock:
            answers, self.answers = self.answers, collections.Counter()
        return {answer.removeprefix("hello world from ") for answer in answers}

    def stop(self):
        self.ends.set()
        for thread in self.threads:
            thread.join()


class DeployTest(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-deploy-test-"))
        self.addCleanup(shutil.rmtree, self.path)
        key = self.path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.machines = {}
        for name in ("a", "b"):
            self.machines[name] = Machine(self.path / name, key)
            self.addCleanup(self.machines[name].stop)
        self.balancers = [Balancer(self.path / name, self.machines) for name in ("l1", "l2")]
        for balancer in self.balancers:
            self.addCleanup(balancer.stop)
        (self.path / "compose.yml").write_text("services: {web: {image: 'web:${TAG}'}}\n")
        self.write_spec(key)

    def write_spec(self, key):
        spec = "name: test\nvariables: {version: {type: string}}\nresources:\n"
        for name, machine in self.machines.items():
            spec += (f"  host_{name}: {{type: ssh.host, address: 127.0.0.1, port: {machine.port}, user: root, "
                     f"private_key_file: {key}, host_key: {own_sshd.public_key(machine.path)}}}\n")
        hosts = ", ".join(f"{n}: {{connection: '${{host_{n}.connection}}', directory: {m.path}/project, "
                          f"port: {m.app_port}}}" for n, m in self.machines.items())
        spec += f"""  app:
    type: docker.compose
    for_each: {{{hosts}}}
    serial: true
    host: ${{each.value.connection}}
    name: app
    directory: ${{each.value.directory}}
    compose: compose.yml
    variables: {{TAG: "${{var.version}}"}}
    health_check: {{url: "http://127.0.0.1:${{each.value.port}}/ping", body: pong, attempts: 3, interval: 1s}}
"""
        for balancer, host in zip(self.balancers, self.machines):
            spec += f"""  {balancer.socket.stem}:
    type: haproxy.server
    for_each: [a, b]
    host: ${{host_{host}.connection}}
    socket: {balancer.socket}
    backend: app
    server: ${{each.key}}
    drain: 5s
    lifecycle: {{replace_triggered_by: ['app[each.key]']}}
"""
        (self.path / "hadeploy.yaml").write_text(spec)

    def deploy(self, version, status=0):
        done = subprocess.run([PROGRAM, "apply", "--auto-approve", "--var", f"version={version}"],
                              cwd=self.path, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def wait_until_served(self):
        for balancer in self.balancers:
            for _ in range(100):
                try:
                    balancer.get()
                    break
                except OSError:
                    time.sleep(0.1)

    def test_no_request_is_lost(self):
        self.deploy("v1")
        self.wait_until_served()
        time.sleep(1)
        load = Load(self.balancers)
        self.addCleanup(load.stop)
        for version, before in (("v2", "v1"), ("v3", "v2")):
            self.deploy(version)
            self.assertEqual(load.taken(), {before, version})
        # a version that fails its check stops at the first host; the other one serves the old version
        said = self.deploy("broken", status=1)
        self.assertIn('app["a"]', said)
        self.assertIn("the compose project app was rolled back", said)
        self.assertIn("/ping answers with status 500 instead of 200 (3 attempts)", said)
        self.assertEqual(load.taken(), {"v3"})
        self.assertEqual([v.strip() for v in self.machines["a"].started()][-2:], ["broken", "v3"])
        self.assertNotIn("broken\n", self.machines["b"].started())
        for version, before in (("v4", "v3"), ("v5", "v4")):
            self.deploy(version)
            self.assertEqual(load.taken(), {before, version})
        load.stop()
        self.assertEqual(load.failures, [])
        self.assertIn("Nothing to change", self.deploy("v5"))

    def test_the_last_server_stays(self):
        self.deploy("v1")
        self.wait_until_served()
        os.kill(self.app_of("b"), signal.SIGKILL)
        time.sleep(1)  # until the checks have failed
        said = self.deploy("v2", status=1)
        self.assertIn("no other server of the backend app takes requests (b is DOWN)", said)
        self.assertEqual([v.strip() for v in self.machines["a"].started()], ["v1"])
        for balancer in self.balancers:
            self.assertEqual(balancer.get(), "hello world from v1")

    def app_of(self, name):
        """The process of the app: its machine has process IDs of its own."""
        app = str(self.machines[name].path / "app.py").encode()
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if app in entry.read_bytes().split(b"\0"):
                    return int(entry.parent.name)
            except OSError:
                continue
        raise AssertionError("the app does not run")


if __name__ == "__main__":
    if os.geteuid() != 0 or not all(map(shutil.which, ("haproxy", "/usr/sbin/sshd", "unshare"))):
        print("skipped: needs root, sshd and haproxy")
        sys.exit(77)
    unittest.main(verbosity=2)
