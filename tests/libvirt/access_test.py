#!/usr/bin/env python3
"""A user who may not open libvirt's socket gets an error with a hint.

usage: access_test.py HADEPLOY [unittest options]

The refusal comes from the kernel: a real socket of mode 0600, and hadeploy run by another user. A
refusal by polkit, which libvirt reports with another error code, is not covered.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
NOBODY = 65534
SPEC = """name: locked-out
providers:
  libvirt: {{uri: "qemu+unix:///system?socket={socket}"}}
resources:
  lab: {{type: libvirt.network, cidr: 10.91.0.0/24}}
"""


class AccessTest(unittest.TestCase):
    def test_a_socket_that_may_not_be_opened(self):
        with tempfile.TemporaryDirectory(prefix="hadeploy-access-test-") as name:
            directory = pathlib.Path(name)
            directory.chmod(0o755)
            program = shutil.copy(HADEPLOY, directory / "hadeploy")  # where that user can read it
            project = directory / "project"
            project.mkdir(mode=0o755)
            path = directory / "libvirt-sock"
            (project / "hadeploy.yaml").write_text(SPEC.format(socket=path))
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(path))
                listener.listen()
                path.chmod(0o000)
                other = {} if os.geteuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
                done = subprocess.run([program, "plan"], cwd=project, text=True, capture_output=True,
                                      env={"PATH": os.environ["PATH"], "HOME": name}, timeout=60,
                                      check=False, **other)
            self.assertEqual(done.returncode, 69, done.stdout + done.stderr)
            self.assertIn("Permission denied", done.stderr)
            self.assertIn("lab", done.stderr)
            self.assertRegex(done.stderr, r"hadeploy\.yaml:\d+:\d+")
            self.assertIn("usermod -aG libvirt", done.stderr)


if __name__ == "__main__":
    unittest.main()
