#!/usr/bin/env python3
"""`hadeploy bench` against a server on loopback that counts its requests.

usage: load_test.py HADEPLOY [unittest options]
"""
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import unittest

from command_case import HADEPLOY, Case


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.requests = self.connections = self.most = self.active = 0
        self.headers = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    """/cycle answers the Nth request with 503 if 4 divides N, in the name of replica N % 2."""
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def log_message(self, *_):
        pass

    def answer(self):
        size = int(self.headers.get("Content-Length", 0))
        sent = self.rfile.read(size).decode()
        with self.server.lock:
            self.server.requests += 1
            number = self.server.requests
            self.server.active += 1
            self.server.most = max(self.server.most, self.server.active)
            self.server.headers.append((self.command, self.headers.get("X-Test"), sent))
        if self.path == "/hang":
            time.sleep(5)
        if self.path == "/slow":
            time.sleep(0.05)
        with self.server.lock:
            self.server.active -= 1
        status = 503 if self.path == "/cycle" and number % 4 == 0 else 200
        body = json.dumps({"replica": f"json-{number % 2}"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Served-By", f"node{number % 2}\x1b[31m" if self.path == "/esc" else
                         f"node{number % 2}")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer


class LoadTest(Case):
    def setUp(self):
        super().setUp()
        self.server = Server()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def report(self, *words, status=0):
        return json.loads(self.out("bench", *words, "--json", status=status))

    def figures(self, *words, status=0):
        return self.report(*words, status=status)["rows"][0]["figures"]

    def test_counts_codes_and_replicas_are_exact(self):
        f = self.figures(self.server.url + "/cycle", "-n", "40", "-c", "4")
        self.assertEqual((f["sent"], f["ok"], f["failed"]), (40, 30, 10))
        self.assertEqual({code: g["count"] for code, g in f["codes"].items()}, {"200": 30, "503": 10})
        self.assertEqual({name: (g["count"], g["failed"]) for name, g in f["replicas"].items()},
                         {"node0": (20, 10), "node1": (20, 0)})
        self.assertEqual(sum(s["ok"] for s in f["seconds"]), 30)
        self.assertEqual(self.server.requests, 40)
        self.assertLessEqual(self.server.most, 4)

    def test_without_a_success_there_is_no_latency(self):
        words = ("bench", "http://127.0.0.1:1/", "-n", "3")
        text = self.run_it(*words, status=1).stdout
        self.assertRegex(text, r"all +3 +3 +- +- +- +- +- +-\n")
        self.assertNotIn("0.00 ms", text)

    def test_replica_by_key(self):
        f = self.figures(self.server.url, "-n", "10", "--replica-key", "replica")
        self.assertEqual({name: g["count"] for name, g in f["replicas"].items()},
                         {"json-0": 5, "json-1": 5})

    def test_a_replica_cannot_control_the_terminal(self):
        text = self.out("bench", self.server.url + "/esc", "-n", "2")
        self.assertIn("node1?[31m", text)
        self.assertNotIn("\x1b", text)

    def test_keep_alive(self):
        off = self.figures(self.server.url, "-n", "20", "-c", "2")
        self.assertEqual((off["connections"], self.server.connections), (20, 20))
        on = self.figures(self.server.url, "-n", "20", "-c", "2", "--keep-alive")
        self.assertEqual((on["connections"], self.server.connections), (2, 22))

    def test_latency_is_that_of_the_server(self):
        f = self.figures(self.server.url + "/slow", "-n", "8", "-c", "2")
        for name in ("mean", "p50", "p90", "p99", "max"):
            self.assertGreaterEqual(f["latency_ms"][name], 50)
        self.assertGreaterEqual(f["length_ms"], 200)

    def test_open_loop(self):
        f = self.figures(self.server.url, "--rate", "50", "--duration", "0.5")
        self.assertEqual((f["sent"], f["ok"], self.server.requests), (25, 25, 25))
        # the open loop does not wait: the hanging requests are sent too, and time out
        f = self.figures(self.server.url + "/hang", "--rate", "20", "--duration", "0.5", "--timeout",
                         "0.5", status=1)
        self.assertEqual((f["sent"], f["failed"], f["problems"]), (10, 10, {"timeout": 10}))

    def test_method_body_and_header(self):
        self.out("bench", self.server.url, "-n", "1", "--body", "{}", "--header", "X-Test: a:b")
        self.assertEqual(self.server.headers, [("POST", "a:b", "{}")])

    def test_thresholds(self):
        ok = self.out("bench", self.server.url, "-n", "5", "--threshold", "failed=0", "--threshold", "p99=1h")
        self.assertRegex(ok, r"^PASSED  http")
        # that the machine was busy cannot be excluded: 4
        done = subprocess.run([HADEPLOY, "bench", self.server.url + "/cycle", "-n", "8", "--threshold",
                               "failed=10%"], cwd=self.path, env=self.environment, text=True,
                              capture_output=True, timeout=60)
        self.assertIn(done.returncode, (3, 4), done.stderr)
        self.assertIn({3: "FAILED  http", 4: "INCONCLUSIVE  http"}[done.returncode], done.stdout)
        self.assertRegex(done.stdout, r"MISSED  failed   25 % +at most 10 %")

    def test_nobody_listens(self):
        self.server.shutdown()
        self.server.server_close()
        text = self.out("bench", self.server.url, "-n", "3", status=1)
        self.assertRegex(text, r"\n  3 x [^\n]*connect")

    def test_interrupted(self):
        child = subprocess.Popen([HADEPLOY, "bench", self.server.url + "/slow", "-n", "100000", "-c", "2",
                                  "--json", "--threshold", "failed=0"], cwd=self.path,
                                 env=self.environment, text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        while self.server.requests < 5:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130, out + err)
        report = json.loads(out)
        self.assertEqual((report["verdict"], report["rows"][0]["interrupted"]), ("interrupted", True))
        self.assertGreaterEqual(report["rows"][0]["figures"]["sent"], 1)

    def test_time_over(self):
        text = self.out("bench", self.server.url + "/slow", "-n", "1000", "-c", "1", "--duration", "0.3")
        self.assertRegex(text, r"the time was over after \d of 1000 requests")

    def test_matrix_save_compare_and_page(self):
        (self.path / "matrix.yaml").write_text(
            f"urls: ['{self.server.url}/']\nrequests: 10\nthresholds: {{failed: 0}}\nrows:\n"
            "  - {name: one at a time, concurrency: 1, before: [touch, ran]}\n"
            "  - {name: kept, concurrency: 5, keep_alive: true}\n"
            "  - {name: rate, rate: 20, duration: 500ms}\n")
        first = self.report("--matrix", "matrix.yaml", "--save", "first.json")
        self.assertEqual([(r["name"], r["figures"]["ok"]) for r in first["rows"]],
                         [("one at a time", 10), ("kept", 10), ("rate", 10)])
        self.assertEqual([r["figures"]["connections"] for r in first["rows"]][:2], [10, 5])
        self.assertTrue((self.path / "ran").exists())
        self.assertEqual(json.loads((self.path / "first.json").read_text()), first)
        text = self.out("bench", "--matrix", "matrix.yaml", "--compare", "first.json", "--html", "page.html",
                        "-n", "5")
        self.assertRegex(text, r"\nSummary\n(.*\n){4}\nCompared with 20")
        self.assertRegex(text, r"kept +rate +[0-9.]+ a second +[0-9.]+ a second +[+-]")
        page = (self.path / "page.html").read_text()
        self.assertEqual(page.count('data-testid="row"'), 3)
        self.assertEqual(self.out("bench", "--show", "first.json", "--json"), json.dumps(
            first, separators=(",", ":")) + "\n")

    def test_a_command_that_fails(self):
        (self.path / "matrix.yaml").write_text(
            f"urls: ['{self.server.url}/']\nrows:\n  - {{name: a, before: ['false']}}\n"
            "  - {name: b, requests: 1}\n")
        text = self.out("bench", "--matrix", "matrix.yaml", status=1)
        self.assertIn("NOT MEASURED  a  ", text)
        self.assertRegex(text, r"  b +1 +0 ")

    def test_url_of_the_outputs(self):
        self.spec(f"name: b\noutputs:\n  web: '{self.server.url}/'\n  other: text\n")
        self.apply()
        self.assertEqual(self.figures("-n", "2")["ok"], 2)
        self.spec(f"name: b\noutputs:\n  web: '{self.server.url}/'\n  api: ['http://a/']\n")
        self.apply()
        self.assertEqual(self.err("bench"),
                         "error: no URL is given, and several outputs have one: api, web\n"
                         '  hint: hadeploy bench "$(hadeploy output --raw api)"\n')

    def test_messages(self):
        for words, message in (
                (["127.0.0.1:80"], "\"127.0.0.1:80\" is not a URL"),
                (["http://a", "-n", "0"], "--requests"),
                (["http://a", "-n", "2000000"], "--requests"),
                (["http://a", "-c", "501"], "--concurrency"),
                (["http://a", "--rate", "6000"], "--rate"),
                (["http://a", "--rate", "5000", "--duration", "3600"], "are more than 1000000 requests"),
                (["http://a", "--rate", "5", "-n", "5"], "--rate"),
                (["http://a", "--threshold", "p98=1s"], "there is no figure \"p98\""),
                (["http://a", "--threshold", "p99"], "--threshold needs FIGURE=LIMIT"),
                (["http://a", "--threshold", "p99=fast"], "expected a duration"),
                (["http://a", "--threshold", "failed=101"], "expected a percentage"),
                (["http://a", "--header", "s3cret"], "--header needs NAME:VALUE"),
                (["http://a", "--show", "x"], "--show measures nothing"),
                (["http://a", "--save", "hadeploy.yaml"], "has other content than an earlier report")):
            with self.subTest(words=words):
                text = self.err("bench", *words)
                self.assertTrue(text.startswith("error: "), text)
                self.assertIn(message, text)
                self.assertNotIn("s3cret", text)
        self.assertEqual(self.server.requests, 0)

    def test_messages_about_a_matrix(self):
        def refused(text):
            (self.path / "matrix.yaml").write_text(text)
            return self.err("bench", "--matrix", "matrix.yaml", status=65)
        self.assertIn("matrix.yaml:2", refused("rows:\n  - {name: a, reqests: 1}\n"))
        self.assertIn("exclude each other", refused("rows:\n  - {name: a, requests: 1, rate: 1}\n"))
        self.assertIn("there are two rows \"a\"", refused("rows:\n  - {name: a}\n  - {name: a}\n"))
        self.assertIn("there is no figure \"p9\"", refused("rows:\n  - {name: a, thresholds: {p9: 1s}}\n"))
        self.assertIn("1 to 50 rows", refused("rows: []\n"))
        (self.path / "other.json").write_text("{}")
        self.assertIn("other.json is not a report of bench",
                      self.err("bench", "--show", "other.json", status=1))


if __name__ == "__main__":
    os.environ.pop("http_proxy", None)
    unittest.main()
