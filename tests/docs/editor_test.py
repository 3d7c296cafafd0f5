#!/usr/bin/env python3
"""yaml-language-server with the schema of `hadeploy schema`, as an editor uses it: completion, hover, diagnostics.

usage: editor_test.py HADEPLOY [unittest options]
"""
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
SERVER = SOURCE / "build/yaml-language-server/node_modules/yaml-language-server/bin/yaml-language-server"
SPECS = sorted(SOURCE.glob("examples/*/hadeploy.yaml")) + sorted(SOURCE.glob("templates/*/hadeploy.yaml"))
MODULES = sorted(SOURCE.glob("modules/*/module.yaml")) + sorted(SOURCE.glob("examples/*/*/module.yaml"))
LIMIT = 60


class Editor:
    """A client of the protocol: JSON-RPC over the server's standard input and output."""
    def __init__(self, schemas):
        self.server = subprocess.Popen(["node", SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        self.number, self.received, self.waiting, self.reports = 0, queue.Queue(), {}, {}
        self.settings = {"yaml": {"schemas": schemas, "schemaStore": {"enable": False}, "validate": True,
                                  "hover": True, "completion": True}}
        threading.Thread(target=self.read, daemon=True).start()
        self.call("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {
            "workspace": {"configuration": True},
            "textDocument": {"publishDiagnostics": {}, "hover": {"contentFormat": ["plaintext"]}}}})
        self.notify("initialized", {})
        self.notify("workspace/didChangeConfiguration", {"settings": self.settings})

    def close(self):
        self.call("shutdown", None)
        self.notify("exit", None)
        self.server.wait(LIMIT)
        self.server.stdin.close()
        self.server.stdout.close()

    def read(self):
        stream = self.server.stdout
        while line := stream.readline():
            if line.lower().startswith(b"content-length:"):
                while stream.readline().strip():
                    pass
                self.received.put(json.loads(stream.read(int(line.split(b":")[1]))))
        self.received.put(None)

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.server.stdin.flush()

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def take(self):
        """Handles one message of the server."""
        message = self.received.get(timeout=LIMIT)
        if message is None:
            raise EOFError("the language server has ended")
        if "method" in message and "id" in message:
            items = message.get("params", {}).get("items", []) if message["method"] == "workspace/configuration" else []
            self.send({"id": message["id"], "result": [self.settings.get(i.get("section"), None) for i in items] or None})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.reports[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message:
            self.waiting[message["id"]] = message

    def call(self, method, params):
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while self.number not in self.waiting:
            self.take()
        answer = self.waiting.pop(self.number)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def open(self, path, text):
        """Opens a document; gives its URI and its diagnostics."""
        uri = path.as_uri()
        self.reports.pop(uri, None)
        self.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1,
                                                              "text": text}})
        while uri not in self.reports:
            self.take()
        return uri, self.reports[uri]

    def at(self, method, uri, line, character):
        return self.call(f"textDocument/{method}", {"textDocument": {"uri": uri},
                                                    "position": {"line": line, "character": character}})


class EditorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory(prefix="hadeploy-editor-")
        cls.addClassCleanup(place.cleanup)
        cls.path = pathlib.Path(place.name)
        schemas = {}
        for name, words, pattern in (("spec", [], "hadeploy.yaml"), ("module", ["--module"], "module.yaml")):
            file = cls.path / f"{name}.json"
            file.write_bytes(subprocess.run([HADEPLOY, "schema", *words], check=True, capture_output=True).stdout)
            schemas[file.as_uri()] = [pattern]
        cls.editor = Editor(schemas)
        cls.addClassCleanup(cls.editor.close)

    def open(self, name, text):
        return self.editor.open(self.path / name / "hadeploy.yaml", text)

    def test_no_spec_of_the_repository_has_a_diagnostic(self):
        for path in SPECS + MODULES:
            with self.subTest(str(path.relative_to(SOURCE))):
                self.assertEqual(self.editor.open(path, path.read_text())[1], [])
        self.assertGreater(len(SPECS), 8)
        self.assertGreater(len(MODULES), 2)

    def test_a_misspelled_key_is_reported_where_it_is(self):
        for name, text, line, part in (
                ("key", "name: x\nresources:\n  a: {type: local.file, path: a, contnt: b}\n", 2, "contnt"),
                ("section", "name: x\nresorces: {}\n", 1, "resorces"),
                ("type", "name: x\nresources:\n  a: {type: local.fil}\n", 2, ""),
                ("required", "resources: {}\n", 0, "name")):
            with self.subTest(name):
                found = self.open(name, text)[1]
                self.assertTrue(found)
                self.assertEqual(found[0]["range"]["start"]["line"], line, found)
                self.assertIn(part, found[0]["message"])

    def test_completion(self):
        for name, text, line, character, labels in (
                ("types", "name: x\nresources:\n  a:\n    type: \n", 3, 10, {"local.file", "ssh.host", "aws.vpc"}),
                ("arguments", "name: x\nresources:\n  a:\n    type: local.file\n    \n", 4, 4, {"path", "content", "mode"}),
                ("sections", "name: x\n\n", 1, 0, {"resources", "variables", "outputs"})):
            with self.subTest(name):
                uri, _ = self.open(f"complete-{name}", text)
                found = self.editor.at("completion", uri, line, character)
                items = found["items"] if isinstance(found, dict) else found
                self.assertLessEqual(labels, {item["label"] for item in items or []})

    def test_hover(self):
        uri, _ = self.open("hover", "name: x\nresources:\n  a:\n    type: local.file\n    path: a\n    content: b\n")
        found = json.dumps(self.editor.at("hover", uri, 4, 5))
        self.assertIn("path", found.lower())
        self.assertGreater(len(found), 40)


if __name__ == "__main__":
    if not shutil.which("node") or not SERVER.exists():
        print(f"SKIPPED: needs node and {SERVER}: scripts/test installs it")
        sys.exit(77)
    unittest.main()
