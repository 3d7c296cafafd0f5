"""Three nodes for tests of the commands for running services: real sshds in mount namespaces, with programs that stand
for Docker.

The programs keep services, configs, images and containers in a file that all nodes share. They do not cover: the
decisions of a swarm (where tasks run, whether they start), the real parsing of compose files and of the options of
`docker`, volumes and networks, running an image, and terminals within containers.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import own_sshd

DOCKER = r'''#!/usr/bin/env python3
import fcntl, json, os, pathlib, re, sys, time
NODE, SHARED = "@node@", pathlib.Path("@shared@")
words = sys.argv[1:]

def update(change):
    """Changes the shared file, and returns what the change returns."""
    with open(SHARED / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        data = json.loads((SHARED / "cluster.json").read_text())
        result = change(data)
        (SHARED / "new").write_text(json.dumps(data))
        (SHARED / "new").rename(SHARED / "cluster.json")
        return result

def read():
    return json.loads((SHARED / "cluster.json").read_text())

def fail(text, status=1):
    sys.stderr.write(text + "\n")
    sys.exit(status)

def option(name, default=None):
    for i, word in enumerate(words):
        if word.startswith(name + "="):
            return word.partition("=")[2]
        if word == name:
            return words[i + 1]
    return default

def log(path):
    """Prints a file of lines that begin with their time."""
    lines = path.read_text().splitlines(keepends=True)
    at = path.stat().st_size
    since = option("--since", "")
    if "T" in since:
        lines = [l for l in lines if l >= since]
    if option("--tail"):
        lines = lines[len(lines) - min(len(lines), int(option("--tail"))):]
    sys.stdout.writelines(lines)
    sys.stdout.flush()
    (SHARED / f"follows-{NODE}").write_text(str(os.getpid()))
    while "--follow" in words:
        with open(path) as file:
            file.seek(at)
            sys.stdout.write(file.read())
            sys.stdout.flush()
            at = file.tell()
        time.sleep(0.05)

def fill(template, container):
    text = re.sub(r'\{\{\.Label "([^"]*)"\}\}', lambda m: container["labels"].get(m[1], ""), template)
    return (text.replace("{{.ID}}", container["id"]).replace("{{.Names}}", container["name"])
            .replace("{{.Status}}", container["status"]))

def listed():
    filters = [words[i + 1] for i, w in enumerate(words) if w == "--filter"]
    for c in read()["containers"].get(NODE, []):
        running = c["state"] == "running"
        labels = [f[6:].split("=", 1) for f in filters if f.startswith("label=")]
        if ("-a" in words or "-aq" in words or running) and all(c["labels"].get(k) == v for k, v in labels):
            yield c

def deploy(data):
    stack = words[-1]
    compose = json.loads(os.path.expandvars(open("compose.yml").read()))
    label = {"com.docker.stack.namespace": stack}
    for name, service in compose["services"].items():
        count = int(service.get("deploy", {}).get("replicas", 1))
        data["services"][f"{stack}_{name}"] = {
            "ID": f"id-{stack}-{name}",
            "Spec": {"Name": f"{stack}_{name}", "Labels": label, "Mode": {"Replicated": {"Replicas": count}},
                     "TaskTemplate": {"ContainerSpec": {"Image": service["image"]}}},
            "ServiceStatus": {"RunningTasks": count, "DesiredTasks": count}}

with open(SHARED / "calls", "a") as calls:
    calls.write(f"{NODE}: {' '.join(words)}\n")
if words[:2] == ["service", "inspect"]:
    print("false")
elif words[:2] == ["service", "logs"]:
    file = SHARED / "logs" / words[-1]
    if (SHARED / "no-quorum").exists():
        fail("Error response from daemon: rpc error: code = Unknown desc = The swarm does not have a leader.")
    if not file.exists():
        fail("no such task or service: " + words[-1])
    log(file)
    if (SHARED / "incomplete").exists():
        fail("error from daemon in stream: incomplete log stream: node id-node3 is not available")
elif words[0] == "logs":
    log(SHARED / "logs" / words[-1])
elif words[0] == "ps":
    for c in listed():
        print(c["id"] if "-aq" in words else fill(option("--format"), c))
elif words[0] == "exec":
    options = []
    while words[1].startswith("-"):
        options.append(words.pop(1))
    if not any(c["id"] == words[1] for c in read()["containers"][NODE]):
        fail("Error response from daemon: No such container: " + words[1])
    sys.stderr.write(f"{NODE} {words[1]} {' '.join(options)}\n")
    sys.stderr.flush()
    os.execvp(words[2], words[2:])
elif words[:2] == ["config", "create"]:
    labels = dict(words[i + 1].split("=", 1) for i, w in enumerate(words) if w == "--label")
    update(lambda d: d["configs"].append({"ID": f"config-{words[-2]}", "Version": {"Index": 1},
                                          "Spec": {"Name": words[-2], "Labels": labels}}))
elif words[:2] == ["config", "ls"] or words[:2] == ["secret", "ls"]:
    pass
elif words[:2] == ["stack", "deploy"]:
    update(deploy)
elif words[:2] == ["stack", "rm"]:
    def remove(data):
        data["services"] = {k: v for k, v in data["services"].items() if not k.startswith(words[2] + "_")}
        data["configs"] = [c for c in data["configs"]
                           if c["Spec"]["Labels"]["com.docker.stack.namespace"] != words[2]]
    update(remove)
elif words[:2] == ["image", "ls"]:
    for image in read()["images"].get(NODE, []):
        print(image["id"])
elif words[:2] == ["image", "inspect"] or words[:2] == ["container", "inspect"]:
    data = read()[words[0] + "s"].get(NODE, [])
    for one in data:
        if one["id"] in words:
            shown = {k: v for k, v in one.items() if k != "status"}
            print(words[0] + " " + json.dumps(shown))
elif words[0] == "rm":
    def remove(data):
        for c in data["containers"][NODE]:
            if c["id"] == words[-1] and c["state"] == "running":
                return "Error response from daemon: cannot remove a running container"
        data["containers"][NODE] = [c for c in data["containers"][NODE] if c["id"] != words[-1]]
    if error := update(remove):
        fail(error)
elif words[:2] == ["image", "rm"]:
    def remove(data):
        for image in data["images"][NODE]:
            if words[-1] != image["id"] and words[-1] not in image["tags"]:
                continue
            if any(c["image"] == image["id"] for c in data["containers"].get(NODE, [])):
                return "Error response from daemon: conflict: a container uses the image"
            image["tags"] = [t for t in image["tags"] if t != words[-1]]
            if not image["tags"]:
                data["images"][NODE].remove(image)
            return None
        return "Error response from daemon: No such image: " + words[-1]
    if error := update(remove):
        fail(error)
elif words[0] == "load":
    import hashlib, io, tarfile
    archive = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()))
    content = lambda name: archive.extractfile(name).read()
    manifest = json.loads(content("manifest.json"))[0]
    config = content(manifest["Config"])
    found = ["sha256:" + hashlib.sha256(content(layer)).hexdigest() for layer in manifest["Layers"]]
    if found != json.loads(config)["rootfs"]["diff_ids"]:
        fail("the layers are not those of the configuration")
    update(lambda d: d["images"].setdefault(NODE, []).append({
        "id": "sha256:" + hashlib.sha256(config).hexdigest(), "tags": manifest["RepoTags"], "digests": [],
        "size": sum(member.size for member in archive)}))
elif words[0] == "version":
    print("20.10")
else:
    fail("the fake has no " + " ".join(words), 125)
'''

# Runs as a machine: a process that answers as Docker, then sshd.
MACHINE = """
import json, os, pathlib, socket, sys
path, shared = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
os.mkdir("/run/sshd")
listener = socket.socket(socket.AF_UNIX)
listener.bind("/run/docker.sock")
listener.listen()
child = os.fork()
def answer(method, url, body):
    data = json.loads((shared / "cluster.json").read_text())
    what = url.split("?")[0].strip("/")
    if method == "POST" and what.startswith("configs/"):
        data["configs"] = [c | {"Spec": c["Spec"] | {"Labels": json.loads(body)["Labels"]}} for c in data["configs"]]
        (shared / "cluster.json").write_text(json.dumps(data))
        return 200, {}
    if what.startswith("images/"):
        for image in data["images"].get(path.name, []):
            if what.split("/", 1)[1].removesuffix("/json") in [image["id"], *image["tags"]]:
                return 200, {"Id": image["id"], "RepoTags": image["tags"]}
        return 404, {"message": "No such image"}
    tasks = [{"ID": f"{s['ID']}-{n}", "ServiceID": s["ID"], "Slot": n + 1, "NodeID": "id-node2",
              "DesiredState": "running", "Status": {"State": "running"}}
             for s in data["services"].values() for n in range(s["Spec"]["Mode"]["Replicated"]["Replicas"])]
    tasks = data.get("tasks", tasks)
    return 200, {"services": list(data["services"].values()), "configs": data["configs"], "tasks": tasks,
                 "nodes": data["nodes"]}.get(what, [])
if child == 0:
    pathlib.Path("/proc/self/comm").write_text("dockerd")
    while True:
        client = listener.accept()[0]
        request = b""
        while b"\\r\\n\\r\\n" not in request:
            request += client.recv(65536)
        head, _, body = request.partition(b"\\r\\n\\r\\n")
        length = [int(l.split(b":")[1]) for l in head.split(b"\\r\\n") if l.lower().startswith(b"content-length")]
        while length and len(body) < length[0]:
            body += client.recv(65536)
        method, url = head.split()[:2]
        status, result = answer(method.decode(), url.decode(), body)
        text = json.dumps(result, separators=(",", ":"))
        client.sendall(f"HTTP/1.0 {status} X\\r\\nServer: D\\r\\n\\r\\n{text}".encode())
        client.close()
pathlib.Path("/run/docker.pid").write_text(f"{child}\\n")
os.execv("/usr/sbin/sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", str(path / "sshd_config")])
"""


class Node:
    def __init__(self, path, key, shared):
        self.path, self.shared, self.process = path, shared, None
        self.port = own_sshd.prepare(path, key)
        for name, text in (("docker", DOCKER.replace("@node@", path.name).replace("@shared@", str(shared))),
                           ("dockerd", "#!/bin/sh\n")):
            (path / "bin" / name).write_text(text)
            (path / "bin" / name).chmod(0o755)
        self.start()

    def start(self):
        self.process = own_sshd.start(self.path, self.port, MACHINE, self.path, self.shared)

    def stop(self):
        self.process.kill()
        self.process.wait()


class SwarmProject(unittest.TestCase):
    """A project with the hosts node1, node2 and node3."""
    program = "hadeploy"

    @classmethod
    def setUpClass(cls):
        cls.path = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-services-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.path)
        cls.key = cls.path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.key], check=True)
        cls.shared = cls.path / "shared"
        (cls.shared / "logs").mkdir(parents=True)
        cls.nodes = {}
        for name in ("node1", "node2", "node3"):
            cls.nodes[name] = Node(cls.path / name, cls.key, cls.shared)
            cls.addClassCleanup(lambda name=name: cls.nodes[name].stop())

    def setUp(self):
        self.cluster(nodes=[{"ID": f"id-{name}", "Description": {"Hostname": name},
                             "Status": {"State": "ready", "Addr": "127.0.0.1"},
                             "Spec": {"Role": "manager", "Availability": "active"},
                             "ManagerStatus": {"Leader": name == "node1", "Reachability": "reachable"}}
                            for name in self.nodes])
        for file in self.shared.iterdir():
            if file.is_file() and file.name != "cluster.json":
                file.unlink()
        (self.shared / "calls").touch()
        self.project = pathlib.Path(tempfile.mkdtemp(prefix="project-", dir=self.path))
        self.addCleanup(shutil.rmtree, self.project)

    def cluster(self, **data):
        empty = {"services": {}, "configs": [], "nodes": [], "images": {}, "containers": {}}
        (self.shared / "cluster.json").write_text(json.dumps(empty | data))

    def read_cluster(self):
        return json.loads((self.shared / "cluster.json").read_text())

    def change_cluster(self, **data):
        self.cluster(**(self.read_cluster() | data))

    def calls(self):
        """The calls of docker since the last time."""
        text = (self.shared / "calls").read_text()
        (self.shared / "calls").write_text("")
        return text.splitlines()

    def stop_node(self, name):
        self.nodes[name].stop()
        self.addCleanup(self.nodes[name].start)

    def hosts(self):
        """The resources of the three hosts, in a spec."""
        return "".join(
            f"  {name}: {{type: ssh.host, address: 127.0.0.1, port: {node.port}, user: root, "
            f"private_key_file: {self.key}, host_key: {own_sshd.public_key(node.path)}}}\n"
            for name, node in self.nodes.items())

    def write_spec(self, resources="", variables="{}"):
        (self.project / "hadeploy.yaml").write_text(
            "name: test\nproviders: {ssh: {connect_timeout: 2s}}\n"
            f"variables: {variables}\nresources:\n{self.hosts()}{resources}")

    def hadeploy(self, *words, status=0, **options):
        done = subprocess.run([self.program, *words], cwd=self.project, text=True, check=False, timeout=120,
                              **({"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                  "stderr": subprocess.STDOUT} | options))
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def record(self, *resources):
        """Adds resources to the state: (address, type, attributes)."""
        state = json.loads(self.hadeploy("state", "pull"))
        first = state["resources"][0]
        for address, kind, attributes in resources:
            state["resources"].append(first | {
                "address": address, "type": kind, "config": attributes, "attributes": attributes, "depends_on": [],
                "identity": first["identity"][:-2] + f"{len(state['resources']):02}"})
        state["serial"] += 1
        (self.project / "pushed.json").write_text(json.dumps(state))
        self.hadeploy("state", "push", "--edited", "pushed.json")

    def connections(self):
        state = json.loads(self.hadeploy("state", "pull"))
        return {r["address"]: r["attributes"]["connection"] for r in state["resources"] if r["type"] == "ssh.host"}


def main(program):
    SwarmProject.program = program
    if os.geteuid() != 0 or not os.path.exists("/usr/sbin/sshd") or not shutil.which("unshare"):
        print("SKIPPED: needs root and sshd")
        raise SystemExit(77)
    unittest.main(verbosity=2)
