"""A sweep over real machines: hadeploy is killed during the work on one resource after the other.

tests/sweep has exact points and objects that are files. Here the objects are real, and a point is a
resource in progress: SIGKILL some time after hadeploy reports it. Operations on the machines continue
without hadeploy, as after any kill; the next run is killed at the next point, so that all runs but the
first have to recover.
"""
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time

LAYERS = {"libvirt": "machine", "ssh": "guest", "host": "guest", "docker.engine": "guest",
          "docker.node": "cluster", "gluster": "cluster", "docker.image": "app",
          "docker.stack": "app"}

# (address, seconds after its start)
CREATING = [
    ("lab", 0), ("pool", 0), ('node["node1"]', 0), ('node["node2"]', 1), ('node["node3"]', 4),
    ('module.cluster.names["node1"]', 0), ('module.cluster.packages["node2"]', 0.5),
    ('module.cluster.engine["node3"]', 0.3), ('module.cluster.swarm["node1"]', 0.5),
    ('module.cluster.web_image["node3"]', 0.5), ('module.cluster.swarm["node2"]', 0),
    ("module.cluster.pool", 0.3), ("module.cluster.volume", 1), ('module.cluster.swarm["node3"]', 2),
    ('module.cluster.mount["node1"]', 0.2), ("module.cluster.app", 0), ("module.cluster.app", 3),
]
# Resources on a removed machine are not removed one by one,
REMOVING_MACHINES = [
    ('node["node1"]', 0), ('node["node2"]', 0.2), ('node["node3"]', 0), ("base", 0), ("lab", 0),
]
# but they are if the machines stay.
REMOVING_CLUSTER = [
    ("module.cluster.app", 0.5), ('module.cluster.mount["node2"]', 0.2), ("module.cluster.volume", 0.5),
    ('module.cluster.swarm["node3"]', 0.5), ('module.cluster.swarm["node1"]', 0),
    ('module.cluster.names["node1"]', 0),
]


def unfinished(project):
    """The resources with a started change and an unknown result: {address: type}."""
    with sqlite3.connect(f"file:{project.directory}/.hadeploy/state.db?mode=ro", uri=True) as db:
        return dict(db.execute("SELECT address, type FROM intents"))


def layer(kind):
    return LAYERS.get(kind) or LAYERS[kind.split(".")[0]]


def kill(project, how=signal.SIGKILL):
    """Sends a signal to hadeploy itself, not to the shell of the lab around it."""
    found = subprocess.run(["pgrep", "-f", f"hadeploy --chdir {project.directory}"],
                           capture_output=True, text=True, check=False)
    for pid in found.stdout.split():
        try:
            os.kill(int(pid), how)
        except ProcessLookupError:
            pass


def until(project, command, points):
    """Runs until the first of the points, kills there and returns the point, removed from the list; None if
    the command ended by itself."""
    argv = project.command(command, "--auto-approve", "--allow-data-loss", "--progress", "plain")
    running = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    limit = threading.Timer(1200, kill, [project])
    limit.start()
    seen = []
    try:
        for line in running.stdout:
            seen.append(line)
            begun = re.search(r"(\S+): (creating|removing|repairing|updating)\b", line)
            point = begun and next((p for p in points if p[0] == begun[1]), None)
            if point:
                points.remove(point)
                time.sleep(point[1])
                kill(project)
                running.stdout.read()
                running.wait()
                return point
    finally:
        limit.cancel()
        running.stdout.close()
    if running.wait() != 0:
        raise AssertionError(f"{command} failed ({running.returncode}):\n" + "".join(seen[-60:]))
    return None


def sweep(project, command, points, between):
    """Kills at every point, then lets the command finish. `between` is called after each kill. Returns the
    interrupted layers of each kill."""
    points = list(points)
    layers = []
    while True:
        point = until(project, command, points)
        if point is None:
            return layers
        open_now = unfinished(project)
        layers.append({layer(kind) for kind in open_now.values()})
        print(f"killed {point[1]} s into {point[0]}; unfinished: {', '.join(sorted(open_now)) or '-'}",
              flush=True)
        between()
