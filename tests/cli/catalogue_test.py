#!/usr/bin/env python3
"""Invalid input through the real program: one directory per case in catalogue/, with the spec and
`expected`, the exit code and all output.

usage: catalogue_test.py HADEPLOY [CASE...]

A case is `hadeploy validate`, or the line of shell in its file `command`; the script `prepare` runs
before that, and its files must not change either. HADEPLOY_ACCEPT=1 writes `expected` instead
of comparing: read the diff. Files that cannot be in a repository (a FIFO, a file of 64 MiB, bytes
that are not text) are created below.
"""
import collections
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

CASES = pathlib.Path(__file__).resolve().parent / "catalogue"
SPEC = "hadeploy.yaml"
LEAST = 250  # minimum number of cases
MOST_SECONDS = 60  # per case


def huge(path):
    with open(path / SPEC, "wb") as file:
        file.truncate((64 << 20) + 1)


def write(content):
    return lambda path: (path / SPEC).write_bytes(content)


def linked_module(path):
    (path / SPEC).write_text("name: test\nmodules: {m: {source: m}}\n")
    (path / "elsewhere").mkdir()
    (path / "elsewhere" / "module.yaml").write_text("outputs: {x: 1}\n")
    (path / "m").symlink_to("elsewhere")


def linked_file(path):
    (path / SPEC).write_text("name: test\nmodules: {m: {source: m}}\n")
    (path / "elsewhere.yaml").write_text("outputs: {x: 1}\n")
    (path / "m").mkdir()
    (path / "m" / "module.yaml").symlink_to("../elsewhere.yaml")


def with_module(name):
    return lambda path: shutil.copytree(CASES.parents[2] / "modules" / name, path / name)


def unreadable(path):
    (path / "values").mkdir()  # a directory is not a file, even for root


MADE = {
    "yaml-fifo": lambda path: os.mkfifo(path / SPEC),
    "yaml-directory": lambda path: (path / SPEC).mkdir(),
    "yaml-device": lambda path: (path / SPEC).symlink_to("/dev/zero"),
    "yaml-missing": lambda path: None,
    "yaml-dangling-link": lambda path: (path / SPEC).symlink_to("nowhere"),
    "yaml-too-large": huge,
    "yaml-empty": write(b""),
    "yaml-invalid-utf8": write(b"name: t\xe9st\n"),
    "yaml-overlong-utf8": write(b"name: t\xc0\xafst\n"),
    "yaml-nul": write(b"name: t\x00st\n"),
    "yaml-binary": write(bytes(range(256)) * 4),
    "yaml-deep": write(b"name: t\nlocals: {x: " + b"[" * 100 + b"]" * 100 + b"}\n"),
    "yaml-deep-brackets": write(b"[" * 200_000),
    "yaml-tab": write(b"name: t\nresources:\n\tkey: {type: ssh.key}\n"),
    "names-ansi-escape": write(b'name: "t\\e[31mred"\n'),
    "names-raw-escape": write(b"name: t\x1b[31mred\n"),
    "names-right-to-left": write('name: "t\u202eknil"\n'.encode()),
    "names-homoglyph": write("name: \u0430dmin\nresources: {n\u043ede: {type: ssh.key}}\n".encode()),
    "names-symlinked-module": linked_module,
    "names-symlink-out-of-module": linked_file,
    "names-unreadable-file": unreadable,
} | {case: with_module(case.split("-inputs-")[1])
     for case in (p.name for p in CASES.iterdir()) if "-inputs-" in case}


@contextlib.contextmanager
def locked(path):
    """Another run is active."""
    owner = {"pid": os.getpid(), "host": os.uname().nodename, "user": "ann", "boot_id": "",
             "command": "apply", "since_ms": 1_700_000_000_000}
    with open(path / ".hadeploy" / "state.db.lock", "r+") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        lock.write(json.dumps(owner))
        lock.flush()
        yield


MEANWHILE = {"state-locked": locked}
OWN = ("expected", "command", "prepare")  # files of a case that are not part of its project
# written by commands that only read: the holder of the lock, SQLite's log and its index
FLEETING = ("scripts.lock", "state.db.lock", "state.db-wal", "state.db-shm", "state.db-journal")


def content(file):
    """The content of a file; for a state its rows, because SQLite changes the file when it is opened."""
    if not file.is_file() or file.is_symlink():
        return ""
    if file.name == "state.db":
        try:
            with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as state:
                rows = "\n".join(state.iterdump())
            # acquisitions of the lock are counted
            return re.sub(r"""(INTO "project" VALUES\(\d+,'[^']*','[^']*',\d+,)\d+""", r"\1", rows)
        except sqlite3.Error:
            pass  # damaged: compare bytes
    return hashlib.sha256(file.read_bytes()).hexdigest()


def contents(path):
    """The files by name."""
    return {str(file): content(file) for file in sorted(path.rglob("*"))
            if file.name not in FLEETING and ".hadeploy/cache" not in str(file)}


def lay_out(case, path):
    for source in (CASES / case).iterdir():
        if source.name in OWN:
            continue
        if source.is_dir():
            shutil.copytree(source, path / source.name)
        else:
            shutil.copy(source, path / source.name)
    MADE.get(case, lambda path: None)(path)


def plain(text, path, version):
    """Removes text that differs between machines and runs."""
    text = text.replace(str(path), "DIR").replace(f"this is {version}", "this is VERSION")
    text = text.replace(f" on {os.uname().nodename}", " on HOST")
    text = re.sub(r"(pid |kill -INT )\d+", r"\1PID", text)
    text = re.sub(r"^\[ *[\d.]+s\] .*\n", "", text, flags=re.M)  # progress
    # the words of later versions of CLI11 and libcurl
    text = re.sub(r"not in range \[(\d+) - (\d+)\]", r"not in range \1 to \2", text)
    text = text.replace("Could not connect to server", "Couldn't connect to server")
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", text)


def run(program, case):
    """The result of a case: exit code and output, without paths of this machine."""
    with tempfile.TemporaryDirectory(prefix="hadeploy-catalogue-") as made:
        path = pathlib.Path(made).resolve() / "project"
        path.mkdir()
        lay_out(case, path)
        common = {"cwd": path, "timeout": MOST_SECONDS, "stdin": subprocess.DEVNULL,
                  "env": {"PATH": f"{os.path.dirname(program)}:{os.environ['PATH']}",
                          "HOME": made, "LC_ALL": "C.UTF-8"}}
        version = subprocess.run([program, "--version"], capture_output=True, check=True,
                                 text=True, **common).stdout.split()[-1]
        prepare = CASES / case / "prepare"
        if prepare.exists():
            done = subprocess.run(["sh", "-e", prepare], capture_output=True, text=True, **common)
            if done.returncode != 0:
                return f"it could not be prepared: {done.stdout}{done.stderr}\n"
        command = CASES / case / "command"
        line = command.read_text() if command.exists() else "hadeploy validate"
        before = contents(path)
        with MEANWHILE.get(case, lambda path: contextlib.nullcontext())(path):
            done = subprocess.run(["sh", "-c", line], capture_output=True, **common)
        after = contents(path)
        if after != before:
            changed = sorted(f for f in before.keys() | after.keys() if before.get(f) != after.get(f))
            return f"it changed something: {changed}\n"
        text = done.stdout.decode() + done.stderr.decode()
        if any(ord(c) < 32 and c != "\n" for c in text):
            return "it sends control characters to the terminal\n"
        return f"exit {done.returncode}\n" + plain(text, path, version)


def main():
    program = os.path.abspath(sys.argv[1])
    names = sys.argv[2:] or sorted({p.name for p in CASES.iterdir()} | set(MADE))
    accepts = os.environ.get("HADEPLOY_ACCEPT") == "1"
    failed = 0
    for case in names:
        (CASES / case).mkdir(exist_ok=True)
        file = CASES / case / "expected"
        try:
            got = run(program, case)
        except subprocess.TimeoutExpired:
            got = f"it did not end within {MOST_SECONDS} s\n"
        if accepts:
            file.write_text(got)
        expected = file.read_text() if file.exists() else ""
        if got == expected and got.startswith("exit "):
            continue
        failed += 1
        print(f"--- {case}: expected\n{expected}--- got\n{got}")
    groups = collections.Counter(name.split("-")[0] for name in names)
    print(", ".join(f"{group}: {count}" for group, count in sorted(groups.items())))
    print(f"{len(names)} cases, {failed} failed")
    return 1 if failed or len(names) < LEAST and len(sys.argv) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
