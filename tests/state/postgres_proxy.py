"""Passes connections on to a PostgreSQL server, acts at one chosen statement, counts, and delays.

The protocol is that of chapter 55 of PostgreSQL's manual: after the startup messages, each message has a
type byte and a length. A statement is an Execute or a simple Query.
"""
import collections
import os
import queue
import socket
import struct
import threading
import time

ANSWERS = b"CIE"  # CommandComplete, EmptyQueryResponse, ErrorResponse: one for each statement
FLUSH = b"H\x00\x00\x00\x04"
MOST_SECONDS = 20


def read_exactly(peer, size):
    out = b""
    while len(out) < size:
        part = peer.recv(size - len(out))
        if not part:
            raise ConnectionError("the end")
        out += part
    return out


class Fault:
    """What to do at a statement, from 1.

    `when` is "before": the server has got everything before the statement; or "after": the server has
    executed it, and its answer will not arrive. `act` gets the Connection.
    """

    def __init__(self, at, when, act):
        self.at, self.when, self.act = at, when, act
        self.stalled = False  # the server did not answer the statement in time


class Connection:
    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.backend = None  # the server's process
        self.sent = self.answered = 0  # statements
        self.syncs = collections.deque()  # numbers of statements sent before each unanswered Sync
        self.failed = False  # the server skips statements until the next Sync
        self.held = False  # answers do not reach the client
        self.changed = threading.Condition()

    def close(self):
        for peer in (self.client, self.server):
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def start(self):
        for target in (self.from_client, self.from_server):
            threading.Thread(target=self.guarded, args=(target,), daemon=True).start()

    def guarded(self, target):
        try:
            target()
        except OSError:
            pass
        self.close()
        with self.changed:
            self.answered = float("inf")
            self.changed.notify_all()

    def from_client(self):
        while True:  # startup messages, of which those that ask for encryption are refused with one byte
            size = read_exactly(self.client, 4)
            body = read_exactly(self.client, struct.unpack("!I", size)[0] - 4)
            self.server.sendall(size + body)
            self.proxy.count("round trips")
            if body[:4] not in (struct.pack("!I", 80877103), struct.pack("!I", 80877104)):
                break
        while True:
            head = read_exactly(self.client, 5)
            message = head + read_exactly(self.client, struct.unpack("!I", head[1:])[0] - 4)
            self.pass_on(message)

    def pass_on(self, message):
        fault = None
        if message[:1] in b"EQ":
            fault = self.proxy.statement()
        if message[:1] in b"SQp":
            self.proxy.count("round trips")
        if fault and fault.when == "before":
            fault.act(self)
        elif fault:
            with self.changed:
                self.held = True
        with self.changed:
            if message[:1] in b"EQ":
                self.sent += 1
            if message[:1] in b"SQ":
                self.syncs.append(self.sent)
        self.server.sendall(message)
        if fault and fault.when == "after":
            self.server.sendall(FLUSH)
            with self.changed:
                fault.stalled = not self.changed.wait_for(
                    lambda: self.failed or self.answered >= self.sent, MOST_SECONDS)
            fault.act(self)

    def from_server(self):
        byte = self.server.recv(1, socket.MSG_PEEK)
        while byte == b"N" and self.backend is None:  # no encryption
            self.client.sendall(self.server.recv(1))
            byte = self.server.recv(1, socket.MSG_PEEK)
        while True:
            head = read_exactly(self.server, 5)
            body = read_exactly(self.server, struct.unpack("!I", head[1:])[0] - 4)
            if head[:1] == b"K":
                self.backend = struct.unpack("!I", body[:4])[0]
            with self.changed:
                if not self.held:
                    self.client.sendall(head + body)
                if head[:1] in ANSWERS:
                    self.answered += 1
                    self.failed |= head[:1] == b"E"
                elif head[:1] == b"Z" and self.syncs:
                    self.answered, self.failed = self.syncs.popleft(), False
                self.changed.notify_all()


class Proxy:
    """Listens at `address`: the path of a socket, or (host, port). `server` is likewise.

    `delay` is the time in seconds that data takes in each direction: half of a round trip. With one,
    statements are not counted, only passed on.
    """

    def __init__(self, address, server, delay=0.0):
        self.server, self.delay = server, delay
        self.lock = threading.Lock()
        self.counts, self.fault = {}, None
        self.listener = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        if isinstance(address, str):
            os.chmod(address, 0o777)
        self.listener.listen(50)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX if isinstance(self.server, str) else socket.AF_INET)
            try:
                server.connect(self.server)
            except OSError:
                client.close()
                continue
            for peer in (client, server):
                if peer.family == socket.AF_INET:
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.delay:
                delayed(client, server, self.delay)
                delayed(server, client, self.delay)
            else:
                Connection(self, client, server).start()

    def close(self):
        self.listener.close()

    def begin(self, fault=None):
        """Counts from 0, with another fault or none."""
        with self.lock:
            self.counts, self.fault = {}, fault

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            return self.counts[what]

    def statement(self):
        """Counts a statement. Returns the fault if it is there."""
        number = self.count("statements")
        return self.fault if self.fault and number == self.fault.at else None

    @property
    def statements(self):
        return self.counts.get("statements", 0)

    @property
    def round_trips(self):
        return self.counts.get("round trips", 0)


def delayed(source, sink, delay):
    """Passes data on `delay` seconds after it has come, however much is on its way."""
    way = queue.SimpleQueue()

    def receive():
        data = b"x"
        while data:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            way.put((time.monotonic() + delay, data))

    def send():
        data = b"x"
        while data:
            due, data = way.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if data:
                    sink.sendall(data)
                else:
                    sink.shutdown(socket.SHUT_RDWR)
            except OSError:
                data = b""

    for target in (receive, send):
        threading.Thread(target=target, daemon=True).start()
