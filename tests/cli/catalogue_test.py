#!/usr/bin/env python3
"""Bad input through the real program: one directory a case in catalogue/, with the spec as it is
given and `expected`, the exit status and all that is said about it.

usage: catalogue_test.py HADEPLOY [CASE...]

HADEPLOY_ACCEPT=1 writes `expected` instead of comparing: read the diff then. What no file of a
repository can be (a FIFO, a file of 64 MiB, bytes that are no text) is made below.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CASES = pathlib.Path(__file__).resolve().parent / "catalogue"
SPEC = "hadeploy.yaml"
MOST_SECONDS = 60  # of one case: none may hang


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


def unreadable(path):
    (path / "values").mkdir()  # whatever the user may read: a directory is no file


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
}


def run(program, case):
    """What became of a case: the exit status and what was said, free of this machine's paths."""
    with tempfile.TemporaryDirectory(prefix="hadeploy-catalogue-") as made:
        path = pathlib.Path(made).resolve()
        for source in (CASES / case).iterdir():
            if source.name == "expected":
                continue
            if source.is_dir():
                shutil.copytree(source, path / source.name)
            else:
                shutil.copy(source, path / source.name)
        MADE.get(case, lambda path: None)(path)
        before = sorted(str(p) for p in path.rglob("*"))
        done = subprocess.run([program, "validate"], cwd=path, timeout=MOST_SECONDS,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              env={"PATH": os.environ["PATH"], "HOME": str(path),
                                   "LC_ALL": "C.UTF-8"})
        if sorted(str(p) for p in path.rglob("*")) != before:
            return "it changed something\n"
        text = done.stdout.decode() + done.stderr.decode()
        if any(ord(c) < 32 and c != "\n" for c in text):
            return "it sends control characters to the terminal\n"
        return f"exit {done.returncode}\n" + text.replace(str(path), "DIR")


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
    print(f"{len(names)} cases, {failed} failed")
    return 1 if failed or len(names) < 80 and len(sys.argv) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
