"""Requests at a constant rate until standard input ends; prints counts as JSON. Runs inside the lab.

usage: load.py URL RATE
"""
import collections
import concurrent.futures
import json
import sys
import threading
import time
import urllib.request

url, rate = sys.argv[1], float(sys.argv[2])
lock = threading.Lock()
versions, failures, longest = collections.Counter(), [], 0.0


def ask():
    global longest
    begin = time.monotonic()
    version = failure = None
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            version = response.headers.get("X-Version", "")
            if response.read() != b"hello world\n":
                failure = "another page"
    except OSError as error:
        failure = str(error)
    with lock:
        longest = max(longest, time.monotonic() - begin)
        if failure is None:
            versions[version] += 1
        else:
            failures.append(f"{time.strftime('%X')} {failure}")


ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
with concurrent.futures.ThreadPoolExecutor(64) as workers:
    due = time.monotonic()
    while not ended.wait(max(0.0, due - time.monotonic())):
        workers.submit(ask)
        due += 1 / rate
print(json.dumps({"versions": versions, "failures": failures, "longest": longest}))
