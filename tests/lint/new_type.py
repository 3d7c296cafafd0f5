#!/usr/bin/env python3
"""scripts/new-type, in a copy of the project: its files, its line in the registry, and what it refuses.

The skeleton compiles; that its cases pass is seen when a type is added (tests/ssh/type_cases_test.cpp).
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
REGISTRY = "src/providers/ssh/host_types.def"


class NewType(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-new-type-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        for name in ("scripts/new-type", REGISTRY, ".clang-format"):
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / name, self.path / name)

    def new_type(self, *arguments):
        return subprocess.run([self.path / "scripts/new-type", *arguments], text=True, capture_output=True, timeout=60)

    def files(self):
        return sorted(str(f.relative_to(self.path)) for f in self.path.rglob("*") if f.is_file())

    def test_one_file_one_line_and_cases(self):
        before = self.files()
        done = self.new_type("host.example")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        made = "src/providers/ssh/host_example.cpp"
        self.assertEqual(sorted(set(self.files()) - set(before)), [made, "tests/ssh/types/host.example/cases.yaml"])
        self.assertEqual((self.path / REGISTRY).read_text(),
                         (SOURCE / REGISTRY).read_text() + "HOST_TYPE(make_host_example)\n")
        compiler = os.environ.get("CXX", "c++")
        for check in (["clang-format", "--dry-run", "--Werror", self.path / made],
                      [compiler, "-std=c++20", "-fsyntax-only", f"-I{SOURCE / 'src'}", f"-I{SOURCE}", self.path / made]):
            done = subprocess.run(check, text=True, capture_output=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_it_overwrites_nothing(self):
        self.new_type("host.example")
        registry = (self.path / REGISTRY).read_text()
        done = self.new_type("host.example")
        self.assertEqual(done.returncode, 1)
        self.assertIn("host_example.cpp exists", done.stderr)
        self.assertEqual((self.path / REGISTRY).read_text(), registry)

    def test_other_names(self):
        before = self.files()
        for name in ("example", "host.", "host.Example", "host.a-b", "docker.example", "host.../x"):
            done = self.new_type(name)
            self.assertEqual(done.returncode, 1, name)
            self.assertIn("is not host.NAME", done.stderr)
        self.assertEqual(self.new_type().returncode, 2)
        self.assertEqual(self.files(), before)


if __name__ == "__main__":
    if shutil.which("clang-format") is None:
        print("SKIPPED: needs clang-format")
        sys.exit(77)
    unittest.main()
