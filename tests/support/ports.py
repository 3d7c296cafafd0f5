"""Ports for the servers of the tests."""
import pathlib
import random
import socket


def free_port():
    """A free port outside of the range from which the kernel takes the ports of clients: one of those may
    be taken again before the server listens."""
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(1000):
        port = random.randrange(10000, max(first, 10100))
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
                return port
            except OSError:
                continue
    raise OSError("no free port")
