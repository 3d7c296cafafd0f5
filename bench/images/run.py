#!/usr/bin/env python3
"""Measures how long an image takes from this machine to 1, 3 and 5 hosts over a link of limited bandwidth.

    cmake --preset release && cmake --build --preset release && tests/docker/unpack.sh build/docker
    bench/images/run.py [--mib 100] [--rate 2.5] [--hosts 1 3 5] [--direct]

The hosts are network namespaces with a Docker and an sshd each, on one bridge. All connections from hadeploy to them
pass through a proxy, which forwards RATE MB/s in total and counts the bytes; the hosts reach each other without it.
The first host gets the image from hadeploy, the others read it from the first (`from`); with --direct all of them get
it from hadeploy.
"""
import argparse
import asyncio
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "docker"))
import hosts  # noqa: E402
import real_docker  # noqa: E402

PROXY, ORIGINAL_DESTINATION, PIECE = 4000, 80, 16384


class Link:
    """The proxy. iptables redirects the connections of this namespace to it."""
    def __init__(self, rate):
        self.rate, self.sent, self.free_at = rate, 0, 0.0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self.listener.bind(("0.0.0.0", PROXY))
        real_docker.run("iptables", "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-d", "10.9.0.0/24", "--dport", "22",
                        "-j", "REDIRECT", "--to-ports", str(PROXY))
        threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True).start()

    async def serve(self):
        await (await asyncio.start_server(self.accept, sock=self.listener, limit=PIECE)).serve_forever()

    async def accept(self, reader, writer):
        place = writer.get_extra_info("socket").getsockopt(socket.SOL_IP, ORIGINAL_DESTINATION, 16)
        address = socket.inet_ntoa(struct.unpack("!HH4s8x", place)[2])
        far_reader, far_writer = await asyncio.open_connection(address, 2222)
        await asyncio.gather(self.forward(reader, far_writer, True), self.forward(far_reader, writer, False))

    async def forward(self, reader, writer, limited):
        try:
            while piece := await reader.read(PIECE):
                if limited:
                    self.sent += len(piece)
                    self.free_at = max(self.free_at, time.monotonic()) + len(piece) / self.rate
                    await asyncio.sleep(self.free_at - time.monotonic())
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


def make_archive(server, mib):
    """An image with one layer that cannot be compressed."""
    with open(server.path / "layer", "wb") as file:
        for _ in range(mib):
            file.write(os.urandom(1 << 20))
    real_docker.run("tar", "-C", str(server.path), "-cf", str(server.path / "layer.tar"), "layer")
    server.docker("import", str(server.path / "layer.tar"), "bench:1")
    server.docker("save", "-o", str(server.path / "bench.tar"), "bench:1")
    return server.path / "bench.tar"


def measure(args, server, link, nodes, archive):
    """Returns the seconds of an apply, and the bytes that it sent."""
    project = server.path / f"project{time.monotonic_ns()}"
    project.mkdir()
    images = "".join(
        f"  image{n}: {{type: docker.image, archive: {archive}, host: '${{node{n}.connection}}'"
        f"{'' if args.direct or n == 1 else ', from: ' + repr('${image1.host}')}}}\n" for n in range(1, len(nodes) + 1))
    (project / "hadeploy.yaml").write_text(f"name: bench\nresources:\n{hosts.spec_of(nodes, server.key)}{images}")
    before, began = link.sent, time.monotonic()
    done = subprocess.run([args.program, "apply", "--auto-approve"], cwd=project, capture_output=True, text=True,
                          env=dict(os.environ, HOME=str(project)), stdin=subprocess.DEVNULL)
    took = time.monotonic() - began
    if done.returncode or any(len(node.images()) != 1 for node in nodes):
        sys.exit(done.stdout + done.stderr)
    for node in nodes:
        node.run("docker", "rmi", "bench:1")
    return took, link.sent - before


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=SOURCE / "build/release/hadeploy")
    parser.add_argument("--programs", type=pathlib.Path, default=SOURCE / "build/docker")
    parser.add_argument("--mib", type=int, default=100)
    parser.add_argument("--rate", type=float, default=2.5, help="MB/s")
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--direct", action="store_true")
    args = parser.parse_args()
    if real_docker.INSIDE not in os.environ and (why := real_docker.why_not(args.programs)):
        sys.exit(why)
    server = real_docker.RealDocker(real_docker.enter(), args.programs.resolve())
    args.program = args.program.resolve()
    try:
        archive = make_archive(server, args.mib)
        size = archive.stat().st_size
        nodes = hosts.start(server, max(args.hosts))
        link = Link(args.rate * 1e6)
        print(f"{size / 1e6:.1f} MB at {args.rate} MB/s, {'direct' if args.direct else 'from the first host'}")
        print("| hosts | time | to the first number | sent | of the image |\n|---|---|---|---|---|")
        first = None
        for count in args.hosts:
            took, sent = measure(args, server, link, nodes[:count], archive)
            first = first or took
            print(f"| {count} | {took:.1f} s | {took / first:.2f} | {sent / 1e6:.1f} MB | {sent / size:.3f} |", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
