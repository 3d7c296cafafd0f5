#!/usr/bin/env python3
"""Runs the commands of the documentation as they are there, in the order of the page, and compares their output.

Each page has a directory of its own. Of its code blocks,

- a block with a title is the content of the file with this name;
- in `console`, the lines after `$ ` are commands, and the lines after them the output. A line `...` stands for any
  lines, and `...` within a line for any text. Lines of progress (`[   0.0s] reading ...`) are left out. A command has
  to succeed, unless its output contains an error or the next command is `echo $?`;
- `sh` has commands without output, which have to succeed;
- `yaml` without a title is a part of a spec: its keys and values have to fit the JSON Schema;
- a comment before a block, `<!-- not run: REASON -->`, excludes it; the test lists these blocks. `<!-- run by: TEST -->`
  names the test that runs it;
- a comment `<!-- from: NAME -->` says that the text is in tests/cli/catalogue/NAME/expected, or in a file if NAME is a
  path.

usage: pages_test.py HADEPLOY [unittest options]
"""
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests" / "cli")]
import skips  # noqa: E402
from document import fences  # noqa: E402

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
DOCS = SOURCE / "docs"
# Pages whose commands other tests run, because they need a database or the loss of a state.
ELSEWHERE = {"backup.md": "tests/cli/recovery_test.py", "plans-in-ci.md": "tests/cli/plans_in_ci_test.py",
             "shared-state.md": "tests/cli/shared_state_test.py"}
PAGES = [SOURCE / "README.md", *sorted(path for path in DOCS.rglob("*.md") if path.name not in ELSEWHERE)]
NOT_RUN = re.compile(r"not run: (.+)")
KINDS = ("json", "lua")
PROGRESS = re.compile(r"\[ *\d+\.\ds\] ")
COMMAND = '. "$SAVED"/env; cd "$(cat "$SAVED"/cwd)"\n(exit %d)\n%s\nstatus=$?; export -p >"$SAVED"/env; pwd >"$SAVED"/cwd; exit $status'


def commands(block):
    """(command, expected output or None) of a block."""
    if block.language == "sh":
        return [(block.text, None)]
    out, here = [], None
    for line in block.text.splitlines():
        if here:  # within a here-document
            out[-1][0] += "\n" + line
            here = None if line == here else here
        elif line.startswith("$ "):
            out.append([line[2:], []])
            document = re.search(r"<<'(\w+)'$", line)
            here = document[1] if document else None
        elif out and not out[-1][1] and out[-1][0].endswith("\\"):
            out[-1][0] += "\n" + line
        else:
            out[-1][1].append(line)
    return [(command, output) for command, output in out]


def matches(expected, actual):
    """Whether the lines match, with `...` for any lines or, within a line, any text."""
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*?".join(re.escape(part) for part in line.rstrip().split("...")) + r" *\n")
    return re.fullmatch("".join(parts), "".join(line + "\n" for line in actual)) is not None


@functools.cache
def schema():
    shown = subprocess.run([HADEPLOY, "schema"], check=True, capture_output=True)
    return jsonschema.Draft7Validator(json.loads(shown.stdout))


def faults_of_part(text):
    """Where a part of a spec does not fit the schema. Keys may be left out."""
    return [error.message for error in schema().iter_errors({"name": "page", **yaml.safe_load(text)})
            if error.validator != "required"]


class Session:
    """A shell that keeps its directory and environment between commands."""
    def __init__(self, path):
        self.saved, self.directory = path / "saved", path / "home"
        self.saved.mkdir()
        self.directory.mkdir()
        (self.saved / "env").write_text("")
        (self.saved / "cwd").write_text(str(self.directory))
        self.status = 0

    def run(self, command):
        done = subprocess.run(["bash", "-c", COMMAND % (self.status, command)], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=120, check=False,
                              env={"PATH": f"{os.path.dirname(HADEPLOY)}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
                                   "HOME": str(self.directory), "SAVED": str(self.saved), "NO_COLOR": "1",
                                   "AWS_EC2_METADATA_DISABLED": "true"})
        self.status = done.returncode
        return [line.rstrip() for line in done.stdout.splitlines() if not PROGRESS.match(line)]

    def write(self, name, text):
        path = pathlib.Path((self.saved / "cwd").read_text().strip()) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def problems(text, session):
    """Where a page differs from what its commands do."""
    todo = []
    for block in fences(text):
        if block.note and (NOT_RUN.fullmatch(block.note) or block.note.startswith("run by: ")):
            continue
        if block.note and block.note.startswith("from: "):
            name = block.note.removeprefix("from: ")
            expected = (SOURCE / (name if "/" in name else f"tests/cli/catalogue/{name}/expected")).read_text()
            if block.text not in expected:
                yield f"line {block.line}: {name} has a different text:\n{expected}"
        elif block.title:
            todo.append((block, None, None))
        elif block.language in ("console", "sh"):
            todo += [(block, command, output) for command, output in commands(block)]
        elif block.language == "yaml":
            yield from (f"line {block.line}: {fault}" for fault in faults_of_part(block.text))
        elif block.language in KINDS:
            yield f"line {block.line}: a block of {block.language} needs a title, or a comment that it is not run"
    for number, (block, command, output) in enumerate(todo):
        if command is None:
            session.write(block.title, block.text)
            continue
        actual = session.run(command)
        after = todo[number + 1][1] if number + 1 < len(todo) else None
        fails = after == "echo $?" or any("error: " in line for line in output or [])
        told = "\n".join(actual)
        if session.status and not fails:
            yield f"line {block.line}: `{command}` exits with {session.status}:\n{told}"
        elif output is not None and not matches(output, actual):
            yield f"line {block.line}: the output of `{command}` is\n{told}"


class PagesTest(unittest.TestCase):
    def test_the_commands_of_each_page(self):
        for page in PAGES:
            with self.subTest(page.name), tempfile.TemporaryDirectory(prefix="hadeploy-docs-") as place:
                found = list(problems(page.read_text(), Session(pathlib.Path(place))))
                self.assertEqual(found, [], f"{page.relative_to(SOURCE)}:\n" + "\n".join(found))

    def test_the_spec_of_the_readme(self):
        images = pathlib.Path(HADEPLOY).parent / "images"
        if not (images / "web.tar").exists():
            self.skipTest("the images of the demo app are not built")
        spec, = (block.text for block in fences((SOURCE / "README.md").read_text()) if block.title == "hadeploy.yaml")
        with tempfile.TemporaryDirectory(prefix="hadeploy-docs-") as place:
            session = Session(pathlib.Path(place))
            shutil.copytree(SOURCE / "modules", session.directory / "modules")
            (session.directory / "build/release").mkdir(parents=True)
            (session.directory / "build/release/images").symlink_to(images)
            session.write("hadeploy.yaml", spec)
            self.assertIn("The spec is valid", "\n".join(session.run("hadeploy validate")))
            session.write("hadeploy.yaml", spec + 'providers: {libvirt: {uri: "test:///default"}}\n')
            planned = session.run("hadeploy plan")
            self.assertIn("Plan: 52 to create", planned, "\n".join(planned))

    def test_what_is_not_run(self):
        run, left = 0, []
        for page in PAGES:
            for block in fences(page.read_text()):
                reason = NOT_RUN.fullmatch(block.note or "")
                if reason:
                    left.append(f"{page.relative_to(SOURCE)}:{block.line}: {reason[1]}")
                elif block.title or block.language in ("console", "sh", "yaml"):
                    run += 1
        print("\n".join(left))
        for page, test in ELSEWHERE.items():
            self.assertTrue((DOCS / page).exists() and (SOURCE / test).exists())
            print(f"docs/{page}: {test} runs its blocks")
        print(f"{run} blocks of {len(PAGES)} pages are run or checked, {len(left)} are not")
        self.assertGreater(run, len(left))

    def test_the_comparison(self):
        self.assertTrue(matches(["a", "...", "b ... d"], ["a", "x", "y", "b c d"]))
        self.assertTrue(matches(["...", "b"], ["b"]))
        for expected, actual in ((["a"], ["a", "b"]), (["a", "...", "b"], ["a"]), (["a.b"], ["axb"]), ([], ["a"])):
            self.assertFalse(matches(expected, actual), (expected, actual))

    def test_a_page_that_is_wrong(self):
        pages = {"a different output": "```console\n$ echo a\nb\n```\n", "a failure": "```sh\nfalse\n```\n",
                 "no title": "```json\n{}\n```\n",
                 "no key": "```yaml\nresources: {a: {type: local.file, pth: a}}\n```\n", "another text": "<!-- from: yaml-tab -->\n```text\nx\n```\n"}
        for name, text in pages.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as place:
                self.assertEqual(len(list(problems(text, Session(pathlib.Path(place))))), 1)


if __name__ == "__main__":
    skips.main()
