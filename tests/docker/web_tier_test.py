#!/usr/bin/env python3
"""modules/web-tier on a real Docker, on one machine: training and production.

usage: web_tier_test.py HADEPLOY PROGRAMS [unittest options]

The images are built from the packages of the distribution, in the network of the machine, and kept in build/web-tier.
The commands of the example's README are run. The data is in a directory instead of on a Gluster volume; tests/e2e/webtier_test.py has that, and several machines.
The tests depend on each other and run in the order of their names.
"""
import csv
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import unittest

import real_docker

# the network of the machine, from which packages are downloaded
OUTER = int(os.environ.get("HADEPLOY_OUTER_NET") or os.open("/proc/self/ns/net", os.O_RDONLY))
os.environ["HADEPLOY_OUTER_NET"] = str(OUTER)
real_docker.KEPT.append(OUTER)

import object_case  # noqa: E402
from object_case import SERVER, Case  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ADDRESS = "192.0.2.11"
NODE = socket.gethostname()


def request(path="/", port=80, method="GET", body=None, headers=None, context=None):
    """The status, the headers and the body; status 0 if nothing listens."""
    kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
    more = {"context": context} if context else {}
    connection = kind(ADDRESS, port, timeout=20, **more)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    except ConnectionRefusedError:
        return 0, {}, ""
    finally:
        connection.close()


def status(path="/", port=80):
    return request(path, port)[0]


def task(**more):
    """The service and the number of the task that responds; "" if none does."""
    found = re.match(r"web-tier_(\w+\.\d+)\.", request("/notes", **more)[1].get("X-Task") or "")
    return found.group(1) if found else ""


def add(note, port=80):
    return request("/notes", port, "POST", f"note={note}", {"Content-Type": "application/x-www-form-urlencoded"})[0]


def notes(port=80):
    return request("/notes", port)[2].split()


def servers():
    """The servers of the app that HAProxy's statistics show as up."""
    lines = request("/;csv", 1936)[2].removeprefix("# ").splitlines()
    return [row["svname"] for row in csv.DictReader(lines)
            if row["pxname"] == "web" and row["svname"] != "BACKEND" and row["status"] == "UP"]


class Load(threading.Thread):
    """Requests until finish(), which returns the results that are not 200."""

    def __init__(self):
        super().__init__(daemon=True)
        self.done, self.bad, self.count = threading.Event(), [], 0
        self.start()

    def run(self):
        while not self.done.wait(0.05):
            self.count += 1
            try:
                result = status()
            except OSError as error:
                result = repr(error)
            if result != 200:
                self.bad.append(result)

    def finish(self):
        self.done.set()
        self.join()
        return self.bad


class WebTierTest(Case):
    @classmethod
    def setUpClass(cls):
        SERVER.docker("swarm", "leave", "--force")
        # packages are downloaded in the network of the machine
        wrapper = pathlib.Path("/usr/local/sbin/mmdebstrap")
        wrapper.write_text(f'#!/bin/sh\nexec nsenter --net=/proc/{os.getpid()}/fd/{OUTER} /usr/bin/mmdebstrap "$@"\n')
        wrapper.chmod(0o755)
        cls.path = SERVER.path / "project"
        cls.path.mkdir()
        shutil.copytree(SOURCE / "modules/web-tier", cls.path / "modules/web-tier")
        cls.data = SERVER.path / "shared"
        cls.data.mkdir()
        os.chown(cls.data, 10000, 10000)
        cls.environment = dict(os.environ, HOME=str(cls.path), LC_ALL="C.UTF-8",
                               XDG_CACHE_HOME=str(SOURCE / "build/web-tier"))
        (cls.path / "hadeploy.yaml").write_text(f"""name: test
variables:
  environment: {{type: string}}
  static: {{type: integer, default: 1}}
  web1: {{type: integer, default: 1}}
  web2: {{type: integer, default: 1}}
  web: {{type: integer, default: 2}}
  certificate: {{type: local_path, default: null}}
  private_key: {{type: local_path, default: null}}
resources:
  m: {{type: ssh.host, address: {ADDRESS}, port: {SERVER.port}, user: root, private_key_file: {SERVER.key},
       host_key: '{SERVER.host_key}'}}
modules:
  site:
    source: modules/web-tier
    with:
      environment: ${{var.environment}}
      hosts: {{{NODE}: "${{m.connection}}"}}
      directory: {cls.data}
      install_docker: false
      static: ${{var.static}}
      web1: ${{var.web1}}
      web2: ${{var.web2}}
      web: ${{var.web}}
      certificate: ${{var.certificate}}
      private_key: ${{var.private_key}}
      wait: 3m
outputs:
  authority: ${{module.site.authority}}
""")
        cls.variables = {"environment": "training"}
        cls.commands = set()

    def setUp(self):
        pass  # the project stays

    def hadeploy(self, *words, status=0):
        self.commands.add(" ".join(w for w in words if w not in ("--auto-approve", "--allow-data-loss")))
        given = {f"HADEPLOY_VAR_{name}": value for name, value in self.variables.items()}
        done = subprocess.run([object_case.HADEPLOY, *words], cwd=self.path, env={**self.environment, **given},
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=1200)
        self.assertEqual(done.returncode, status, f"{words}:\n{done.stdout}\n{done.stderr}\n{self.errors()}")
        return done.stdout + done.stderr

    def errors(self):
        if subprocess.run(["docker", "service", "ls"], capture_output=True).returncode:
            return ""
        ids = SERVER.docker("service", "ls", "-q").split()
        text = SERVER.docker("service", "ps", "--no-trunc", "--format",
                             "{{.Name}} {{.CurrentState}} {{.Error}}", *ids) if ids else ""
        return text + "\n" + SERVER.docker("ps", "-a")

    def wait_for(self, what, good):
        end = time.monotonic() + 120
        last = None
        while time.monotonic() < end:
            try:
                last = good()
                if last:
                    return
            except OSError as error:
                last = error
            time.sleep(0.2)
        self.fail(f"{what}; last seen: {last}\n{self.errors()}")

    def containers(self, service):
        return SERVER.docker("ps", "-q", "--filter", f"name=web-tier_{service}.").split()

    def test_01_training_from_nothing(self):
        self.apply()
        self.wait_for("the app responds", lambda: status() == 200)
        self.wait_for("both instances serve", lambda: {task() for _ in range(6)} == {"web1.1", "web2.1"})
        self.assertEqual((task(port=8081), task(port=8082)), ("web1.1", "web2.1"))  # Jetty's own ports
        code, headers, body = request("/assets/style.css")
        self.assertEqual((code, headers["Content-Type"]), (200, "text/css"), body)
        self.assertIn("nginx", headers["Server"])
        self.assertIn("Jetty", request(port=8081)[1]["Server"])
        self.settled()

    def test_02_the_instances_share_their_data(self):
        self.assertEqual((add("one", 8081), add("two", 8082), add("three")), (303, 303, 303))
        self.assertEqual((notes(8081), notes(8082)), (["one", "two", "three"],) * 2)
        for container in self.containers("web1") + self.containers("web2"):
            SERVER.docker("kill", container)
        self.wait_for("new instances respond", lambda: status("/ping", 8081) == status("/ping", 8082) == 200)
        self.assertEqual((notes(8081), notes(8082)), (["one", "two", "three"],) * 2)
        self.assertEqual(add("four", 8082), 303)
        self.assertEqual(notes(8081)[-1], "four")

    def test_03_no_web_apps_and_back(self):
        self.hadeploy("scale", "web1=0", "--auto-approve")
        self.hadeploy("scale", "web2=0", "--auto-approve")
        self.wait_for("NGINX finds no app", lambda: status() == 502)
        self.assertEqual(status("/assets/style.css"), 200)
        self.hadeploy("scale", "web2=1", "--auto-approve")
        self.wait_for("the app responds", lambda: status() == 200)
        self.assertEqual(({task() for _ in range(4)}, status(port=8081)), ({"web2.1"}, 0))

    def test_04_two_static_clash(self):
        text = self.hadeploy("plan", "--var", "static=2", status=65)
        self.assertIn(f"port 80 would be published twice on {NODE}: by static.1 of module.site.stack "
                      "and by static.2 of module.site.stack", text)
        self.assertEqual(status(), 200)

    def test_05_no_static(self):
        self.hadeploy("scale", "static=0", "--auto-approve")
        self.hadeploy("scale", "web1=1", "--auto-approve")
        self.wait_for("nothing listens", lambda: status() == 0)
        self.wait_for("the apps respond at their ports", lambda: (task(port=8081), task(port=8082)) == ("web1.1", "web2.1"))
        self.hadeploy("scale", "static=1", "--auto-approve")
        self.wait_for("NGINX is back", lambda: {task() for _ in range(6)} == {"web1.1", "web2.1"})

    def test_06_benchmark(self):
        text = self.hadeploy("exec", "static", "--", "ab", "-n", "1000", "-c", "10", "http://static:8080/")
        self.assertRegex(text, r"Complete requests: +1000\n")
        self.assertRegex(text, r"Failed requests: +0\n")
        self.assertNotIn("Non-2xx", text)
        print(re.search(r"Requests per second.*", text).group(), re.search(r" 99% +\d+", text).group())

    def test_07_logs_in_one_place(self):
        request("/notes?found=here")
        logs = pathlib.Path(SERVER.inspect("volume", "web-tier_logs")["Mountpoint"])
        found = lambda: {f.parent.name.split(".")[0] for f in logs.rglob("*.log") if "found=here" in f.read_text()}
        self.wait_for("the request is in the logs", lambda: "web-tier_static" in found() and
                      found() & {"web-tier_web1", "web-tier_web2"})
        self.assertIn("found=here", self.hadeploy("logs", "static", "--tail", "50"))

    def test_08_images_and_clean(self):
        self.assertIn("hadeploy/web-tier-app:", self.hadeploy("images"))
        self.assertIn("module.site.stack", self.hadeploy("status"))
        self.hadeploy("clean", "--auto-approve")
        self.assertEqual(SERVER.docker("ps", "-aq", "--filter", "status=exited"), "")

    def test_09_down_and_rebuilt_with_the_same_result(self):
        images = sorted(SERVER.docker("images", "-q", "--no-trunc").split())
        self.hadeploy("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual(SERVER.docker("ps", "-aq"), "")
        self.assertNotIn("web-tier_site", SERVER.names("network"))
        self.apply()
        self.assertEqual(sorted(SERVER.docker("images", "-q", "--no-trunc").split()), images)
        self.wait_for("the app responds", lambda: status() == 200)
        self.assertEqual(notes(), ["one", "two", "three", "four"])
        self.settled()

    def test_10_production(self):
        self.variables["environment"] = "production"
        self.apply()
        self.wait_for("both instances serve", lambda: {task() for _ in range(6)} == {"web.1", "web.2"})
        self.assertEqual(len(servers()), 2)
        self.assertEqual((status(port=8081), status(port=8082)), (0, 0))
        self.assertIn("nginx", request("/assets/style.css")[1]["Server"])
        self.assertEqual(notes(), ["one", "two", "three", "four"])
        self.settled()

    def test_11_tls(self):
        authority = self.hadeploy("output", "--raw", "authority")
        context = ssl.create_default_context(cadata=authority)
        self.assertEqual(request("/ping", 443, context=context)[::2], (200, "pong\n"))
        with self.assertRaises(ssl.SSLCertVerificationError):
            request("/ping", 443, context=ssl.create_default_context())

    def test_12_haproxy_follows(self):
        before = self.containers("proxy")
        load = Load()
        self.hadeploy("scale", "web=4", "--auto-approve")
        self.wait_for("four servers are up", lambda: len(servers()) == 4)
        self.wait_for("all serve", lambda: {task() for _ in range(12)} == {f"web.{i}" for i in range(1, 5)})
        SERVER.docker("service", "update", "--quiet", "--force", "web-tier_web")  # all are replaced
        self.wait_for("four servers are up", lambda: len(servers()) == 4)
        self.hadeploy("scale", "web=2", "--auto-approve")
        self.wait_for("two servers are up", lambda: len(servers()) == 2)
        self.assertEqual((load.finish(), self.containers("proxy")), ([], before))
        self.assertGreater(load.count, 50)

    def test_13_sessions_stick(self):
        cookies = {}
        for _ in range(4):
            headers = request()[1]
            cookies[headers["Set-Cookie"].split(";")[0]] = headers["X-Task"]
        self.assertEqual(len(cookies), 2)
        for cookie, name in cookies.items():
            for _ in range(4):
                self.assertEqual(request(headers={"Cookie": cookie})[1]["X-Task"], name)
        cookie, name = cookies.popitem()
        SERVER.docker("kill", SERVER.docker("ps", "-q", "--filter", f"name={name}"))
        self.wait_for("the session has moved", lambda: request(headers={"Cookie": cookie})[1].get("X-Task") not in (None, name))
        self.wait_for("a new one has joined", lambda: len(servers()) == 2)

    def test_14_given_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=given", "-addext",
                        f"subjectAltName=IP:{ADDRESS}"], cwd=self.path, check=True, capture_output=True)
        self.variables.update(certificate="cert.pem", private_key="key.pem")
        self.apply()
        context = ssl.create_default_context(cafile=self.path / "cert.pem")
        self.wait_for("HAProxy has it", lambda: request("/ping", 443, context=context)[0] == 200)
        self.assertEqual(len([n for n in SERVER.names("secret") if n.startswith("web-tier-tls")]), 1)
        self.settled()

    def test_15_nothing_is_left(self):
        self.hadeploy("destroy", "--auto-approve", "--allow-data-loss")
        self.assertEqual((SERVER.docker("ps", "-aq"), status()), ("", 0))
        self.assertTrue((self.data / "journal").exists())  # the shared directory is not of hadeploy

    def test_16_commands_of_the_readme(self):
        text = (SOURCE / "examples/web-tier/README.md").read_text()
        written = re.findall(r"^hadeploy --env \w+ ([^#\n]*?) *(?:#.*)?$", text, re.M)
        self.assertGreater(len(written), 10)
        self.assertEqual([command for command in written if command not in self.commands], [])


if __name__ == "__main__":
    object_case.main()
