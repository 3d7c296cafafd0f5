#!/usr/bin/env python3
"""Stands for Docker on a machine of machines.py: loads the real image, and runs its program without a container.

A version named "broken" does not answer at its port.
"""
import io
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tarfile
import time

STATE = pathlib.Path("/var/lib/stand-in-docker")


def read(name, default):
    file = STATE / name
    return json.loads(file.read_text()) if file.exists() else default


def write(name, value):
    STATE.mkdir(exist_ok=True)
    (STATE / name).write_text(json.dumps(value))


def runs(app):
    return bool(app) and pathlib.Path(f"/proc/{app['pid']}/root/hello").exists()


def answer(path):
    if path.startswith("/images/"):
        tag = read("images.json", {}).get(path.split("/")[2])
        return (200, {"RepoTags": [tag]}) if tag else (404, {"message": "no such image"})
    app = read("app.json", None)
    if path.startswith("/containers/json") and app:
        return 200, [{"Image": app["image"], "State": "running" if runs(app) else "exited",
                      "Status": "Up 9 seconds" if runs(app) else "Exited (1)",
                      "Labels": {"com.docker.compose.service": "app",
                                 "com.docker.compose.config-hash": app["version"]}}]
    return 200, [] if path.startswith("/containers/json") else "OK"


def serve():
    listener = socket.socket(socket.AF_UNIX)
    pathlib.Path("/run/docker.sock").unlink(missing_ok=True)
    listener.bind("/run/docker.sock")
    listener.listen()
    if os.fork():
        return
    os.setsid()
    null = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    pathlib.Path("/proc/self/comm").write_text("dockerd")
    pathlib.Path("/run/docker.pid").write_text(f"{os.getpid()}\n")
    while True:
        client = listener.accept()[0]
        status, body = answer(client.recv(4096).split()[1].decode())
        text = json.dumps(body, separators=(",", ":"))
        client.sendall(f"HTTP/1.0 {status} X\r\nServer: Docker/99 (stand-in)\r\n\r\n{text}".encode())
        client.close()


def load():
    with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())) as archive:
        (image,) = json.load(archive.extractfile("manifest.json"))
        name = "sha256:" + image["Config"].removesuffix(".json")
        for layer in image["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(layer)) as files:
                files.extractall(STATE / name)
    write("images.json", {**read("images.json", {}), name: image["RepoTags"][0]})


def stop():
    app = read("app.json", None)
    if runs(app):
        os.kill(app["pid"], signal.SIGTERM)
        while runs(app):
            time.sleep(0.02)
    (STATE / "app.json").unlink(missing_ok=True)


def start():
    image, version = os.environ["APP_IMAGE"], os.environ["VERSION"]
    assert "APP_IMAGE" in pathlib.Path("compose.yml").read_text()
    stop()
    with (STATE / "log").open("a") as log:
        log.write(f"{time.time()} {version}\n")
    process = subprocess.Popen(
        ["/usr/sbin/chroot", STATE / image, "/hello"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
        env={"VERSION": version, "PORT": "8001" if version == "broken" else "8000"})
    write("app.json", {"pid": process.pid, "image": image, "version": version})
    time.sleep(0.2)


def main(words):
    app = read("app.json", None)
    if sys.argv[0].endswith("dockerd"):
        if "--validate" not in words:
            serve()
    elif words[0] == "load":
        load()
    elif words[0] == "compose" and "up" in words:
        start()
    elif words[0] == "compose" and "down" in words:
        stop()
    elif words[0] == "ps" and app:
        print("app-app-1", *(["Up 9 seconds"] if words[-1] != "{{.Names}}" else []))
    elif words[0] == "inspect":
        print(app["image"] if words[2] == "{{.Config.Image}}" else f"VERSION={app['version']}")


main(sys.argv[1:])
