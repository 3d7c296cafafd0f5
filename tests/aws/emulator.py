"""An emulator of AWS that others wrote (moto), behind a proxy that checks and disturbs requests.

`ensure_moto()` continues in a Python that has moto and boto3, or says how to get one and exits with 77.
"""
import contextlib
import functools
import http.client
import http.server
import importlib.util
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ports import free_port  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def ensure_moto():
    if all(importlib.util.find_spec(name) for name in ("moto", "boto3", "flask")):
        return
    python = ROOT / "build" / "moto" / "bin" / "python"
    if not python.exists() or os.environ.get("HADEPLOY_IN_MOTO"):
        print("SKIPPED: needs moto: python3 -m venv build/moto && "
              "build/moto/bin/pip install 'moto[server]' boto3")
        sys.exit(77)
    os.environ["HADEPLOY_IN_MOTO"] = "1"
    os.execv(python, [str(python), *sys.argv])


# moto 5.2.5 cannot launch an instance from a later version of a launch template with user data, and always shows the
# first tags of a template.
MOTO = """
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
LaunchTemplateVersion.user_data = property(lambda self: None)
LaunchTemplate.tags = property(lambda self: self.get_tags(), lambda self, _: None)
from moto.server import main
main()
"""


class Moto:
    """A moto server on loopback."""

    def __init__(self):
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-c", MOTO, "-H", "127.0.0.1",
             "-p", str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise RuntimeError("moto does not start")

    def reset(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", "/moto-api/reset")
        assert connection.getresponse().status == 200

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Oracle:
    """Checks requests against the service model that botocore carries."""

    def __init__(self):
        import botocore.session
        loader = botocore.session.get_session()
        models = [loader.get_service_model(name) for name in ("ec2", "elbv2", "elb", "rds", "autoscaling")]
        self.models = {model.api_version: model for model in models}

    def problems(self, params):
        params = dict(params)
        action, version = params.pop("Action"), params.pop("Version")
        model = self.models.get(version)
        if model is None:
            return [] if version == "2011-06-15" else [f"version {version}"]
        if action not in model.operation_names:
            return [f"there is no action {action}"]
        tree = {}
        for key, value in params.items():
            at = tree
            *path, last = key.split(".")
            for part in path:
                at = at.setdefault(part, {})
            at[last] = value
        return list(self.of(tree, model.operation_model(action).input_shape, action, model.metadata["protocol"]))

    def of(self, tree, shape, path, protocol):
        if shape.type_name == "structure":
            if not isinstance(tree, dict):
                yield f"{path} is a structure"
                return
            names = {self.name(member, s, protocol): (member, s) for member, s in shape.members.items()}
            for key, value in tree.items():
                if key not in names:
                    yield f"{path} has no {key}"
                else:
                    yield from self.of(value, names[key][1], f"{path}.{key}", protocol)
            for key, (member, _) in names.items():
                if member in shape.required_members and key not in tree:
                    yield f"{path} lacks {key}"
        elif shape.type_name == "list":
            if protocol == "query":
                member = shape.member.serialization.get("name", "member")
                tree, path = tree.get(member) if isinstance(tree, dict) else None, f"{path}.{member}"
            if not isinstance(tree, dict) or sorted(tree, key=int) != [str(i + 1) for i in range(len(tree))]:
                yield f"{path} is a list: {tree}"
                return
            for key, value in tree.items():
                yield from self.of(value, shape.member, f"{path}.{key}", protocol)
        elif not isinstance(tree, str):
            yield f"{path} is no structure"
        elif shape.type_name == "boolean" and tree not in ("true", "false"):
            yield f"{path} is a boolean: {tree}"
        elif shape.type_name in ("integer", "long") and not re.fullmatch(r"-?\d+", tree):
            yield f"{path} is a number: {tree}"
        elif protocol == "query" and getattr(shape, "enum", None) and tree not in shape.enum:
            yield f"{path} is one of {shape.enum}: {tree}"

    @staticmethod
    def name(member, shape, protocol):
        if protocol == "query":
            return shape.serialization.get("name", member)
        if "queryName" in shape.serialization:
            return shape.serialization["queryName"]
        name = shape.serialization.get("name")
        return name[0].upper() + name[1:] if name else member


class Proxy:
    """Forwards to moto. `faults` are functions of (action, params, forward) that return an answer
    (status, body), None to pass, or "lost" to close the connection; each is asked for each request."""

    def __init__(self, moto):
        import classic_balancing  # these need boto3
        import databases
        import file_systems
        import load_balancing
        import scaling
        self.moto, self.oracle = moto, Oracle()
        self.balancing = load_balancing.LoadBalancing(moto.port)
        self.classic = classic_balancing.ClassicBalancing(moto.port)
        self.databases = databases.Databases(moto.port)
        self.files = file_systems.FileSystems()
        self.scaling = scaling.Scaling(moto.port)
        self.delay = 0.0
        self.clear()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = proxy.handle(self.command, self.path, dict(self.headers), body)
                if answer == "lost":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, text = answer
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_DELETE = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A killed process does not read its response."""
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(request, client_address)

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def clear(self):
        self.faults, self.calls, self.wrong, self.tokens = [], [], [], {}
        self.lock = threading.Lock()
        for service in (self.balancing, self.classic, self.databases, self.files, self.scaling):
            service.clear()

    def forward(self, headers, body, method="POST", path="/"):
        connection = http.client.HTTPConnection("127.0.0.1", self.moto.port, timeout=60)
        connection.request(method, path, body, {**headers, "Content-Length": str(len(body))})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def handle(self, method, path, headers, body):
        time.sleep(self.delay)
        if path == "/":
            return self.handle_query(headers, body)
        action, params, wrong = self.files.oracle.parse(method, *(path + "?").split("?")[:2], body)
        with self.lock:
            self.calls.append(action)
            self.wrong += wrong
            if "/elasticfilesystem/aws4_request" not in headers.get("Authorization", headers.get("authorization", "")):
                self.wrong.append(f"{action} is not signed")
        plain = functools.partial(self.forward, headers, body, method, path)
        return self.ask(action, params, lambda: self.files.answer(action, params, plain))

    def handle_query(self, headers, body):
        params = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        action = params["Action"]
        with self.lock:
            self.calls.append(action)
            self.wrong += self.oracle.problems(params)
        if "AWS4-HMAC-SHA256" not in headers.get("Authorization", ""):
            self.wrong.append(f"{action} is not signed")

        if action == "DeleteKeyPair" and "KeyPairId" in params:
            body = self.by_name(headers, params)

        def forward():
            def plain(changed=None):
                return self.forward(headers, urllib.parse.urlencode(changed).encode() if changed else body)

            for service in (self.balancing, self.classic, self.databases, self.scaling):
                if params["Version"] == service.version:
                    return service.answer(action, params, plain)
            return self.with_token(action, params, plain)

        return self.ask(action, params, forward)

    def ask(self, action, params, forward):
        for fault in list(self.faults):
            answer = fault(action, params, forward)
            if answer is not None:
                return answer
        return forward()

    def by_name(self, headers, params):
        """moto removes a key pair by its name only; AWS by its ID too."""
        def request(**wanted):
            return urllib.parse.urlencode({"Version": params["Version"], **wanted}).encode()

        answer = xml.etree.ElementTree.fromstring(self.forward(headers, request(Action="DescribeKeyPairs"))[1])
        for pair in answer.findall("{*}keySet/{*}item"):
            if pair.findtext("{*}keyPairId") == params["KeyPairId"]:
                return request(Action="DeleteKeyPair", KeyName=pair.findtext("{*}keyName"))
        return request(Action="DeleteKeyPair", KeyName="none")

    def with_token(self, action, params, forward):
        """moto ignores client tokens: the same one gives the same answer, as on AWS."""
        token = params.get("ClientToken")
        if token is None:
            return forward()
        with self.lock:
            if (action, token) not in self.tokens:
                self.tokens[action, token] = (params, forward())
            before, answer = self.tokens[action, token]
        if before != params:
            return refusal("IdempotentParameterMismatch", "other parameters")
        return answer

    def count(self, action=None):
        return sum(1 for call in self.calls if action in (None, call))


def refusal(code, message="it was refused", status=400):
    return status, (f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>"
                    f"</Errors><RequestID>r</RequestID></Response>").encode()


def some(times, actions, make):
    """A fault for the first requests of some actions."""
    left = {"n": times}

    def fault(action, params, forward):
        if action not in actions or left["n"] <= 0:
            return None
        left["n"] -= 1
        return make(forward)
    return fault


def lost_after_effect(forward):
    forward()
    return "lost"
