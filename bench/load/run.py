#!/usr/bin/env python3
"""Compares the figures of `hadeploy bench` with those of ab and wrk, in turn, against the same servers on
loopback: one that responds after a fixed delay, and nginx with a small file. Prints medians of the mean
latencies and of the requests per second, and hadeploy's figures divided by those of the others.

usage: bench/load/run.py HADEPLOY [--rounds N] [--requests N] [--concurrency N]
"""
import argparse
import asyncio
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

DELAY = 0.02
NGINX = """worker_processes 1;
pid {path}/pid;
error_log {path}/error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port}; root {path}; }}
}}
"""


async def respond(reader, writer):
    """Responds to each request after DELAY; keeps the connection if the client wants it."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await asyncio.sleep(DELAY)
            keep = b"connection: keep-alive" in head or (b"http/1.1" in head and b"connection: close" not in head)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: "
                         + (b"keep-alive" if keep else b"close") + b"\r\n\r\nok")
            await writer.drain()
            if not keep:
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def start_delayed():
    ready, port = threading.Event(), []

    async def serve():
        server = await asyncio.start_server(respond, "127.0.0.1", 0, backlog=512)
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    threading.Thread(target=asyncio.run, args=(serve(),), daemon=True).start()
    ready.wait()
    return port[0]


def run(*words):
    done = subprocess.run([str(w) for w in words], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{words}: {done.stdout}{done.stderr}")
    return done.stdout


def found(pattern, text):
    match = re.search(pattern, text)
    if not match:
        sys.exit(f"no {pattern!r} in {text}")
    return match


def by_hadeploy(args, url, keep):
    report = json.loads(run(args.hadeploy, "bench", url, "-n", args.requests, "-c", args.concurrency, "--json",
                            *["--keep-alive"] * keep))
    figures = report["rows"][0]["figures"]
    assert figures["failed"] == 0, figures
    return figures["latency_ms"]["mean"], figures["ok_per_second"]


def by_ab(args, url, keep):
    text = run("ab", "-q", *["-k"] * keep, "-n", args.requests, "-c", args.concurrency, url)
    assert int(found(r"Failed requests: +(\d+)", text)[1]) == 0, text
    return (float(found(r"Time per request: +([\d.]+) \[ms\] \(mean\)\n", text)[1]),
            float(found(r"Requests per second: +([\d.]+)", text)[1]))


def by_wrk(args, url, keep):
    text = run("wrk", "-t", 1, "-c", args.concurrency, "-d", "3s", *[] if keep else ["-H", "Connection: close"], url)
    mean = found(r"Latency +([\d.]+)(us|ms|s)", text)
    return (float(mean[1]) * {"us": 0.001, "ms": 1, "s": 1000}[mean[2]],
            float(found(r"Requests/sec: +([\d.]+)", text)[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("hadeploy", type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=10)
    args = parser.parse_args()
    for tool in ("ab", "wrk", "nginx"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed: apt-get install apache2-utils wrk nginx-light")
    delayed = start_delayed()
    with tempfile.TemporaryDirectory(prefix="hadeploy-bench-") as made:
        path = pathlib.Path(made)
        path.chmod(0o755)  # for nginx's worker
        (path / "index.html").write_text("x" * 1000)
        port = 20000 + os.getpid() % 10000
        (path / "conf").write_text(NGINX.format(path=path, port=port))
        nginx = subprocess.Popen(["nginx", "-c", path / "conf", "-g", "daemon off;"])
        try:
            for _ in range(50):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
                    break
                except OSError:
                    time.sleep(0.1)
            print("| server | keep-alive | | mean latency | requests per second | latency, ratio | rate, ratio |")
            print("|---|---|---|---|---|---|---|")
            for server, url in ((f"{DELAY * 1000:.0f} ms", f"http://127.0.0.1:{delayed}/"),
                                ("nginx", f"http://127.0.0.1:{port}/")):
                for keep in (False, True):
                    compare(args, server, url, keep)
        finally:
            nginx.terminate()
            nginx.wait()


def compare(args, server, url, keep):
    tools = {"hadeploy": by_hadeploy, "ab": by_ab, "wrk": by_wrk}
    results = {name: [] for name in tools}
    for _ in range(args.rounds):
        for name, tool in tools.items():
            results[name].append(tool(args, url, keep))
    medians = {name: tuple(statistics.median(column) for column in zip(*rows)) for name, rows in results.items()}
    for name, (latency, rate) in medians.items():
        ours = medians["hadeploy"]
        ratios = "| |" if name == "hadeploy" else f"{ours[0] / latency:.2f} | {ours[1] / rate:.2f} |"
        print(f"| {server} | {'yes' if keep else 'no'} | {name} | {latency:.2f} ms | {rate:.0f} | {ratios}", flush=True)


if __name__ == "__main__":
    main()
