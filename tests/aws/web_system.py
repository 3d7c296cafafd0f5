"""examples/aws-ha-web with its module in a project of a test, with secrets of its own."""
import pathlib
import re
import shutil
import subprocess

import yaml
from emulator import ROOT
from project import HADEPLOY, Project

EXAMPLE, MODULE = "examples/aws-ha-web", "modules/aws-ha-web"
HELLO = pathlib.Path(HADEPLOY).parent / "images" / "hello.tar"


def only_aws(module):
    """The part of the module that is in AWS: without the resources of hosts, and without references to them."""
    resources = {name: its for name, its in module["resources"].items() if its["type"].startswith("aws.")}
    for its in resources.values():
        if "depends_on" in its:
            its["depends_on"] = [name for name in its["depends_on"] if name in resources]
        triggers = its.get("lifecycle", {}).get("replace_triggered_by", [])
        if any(re.match(r"\w+", one)[0] not in resources for one in triggers):
            del its["lifecycle"]["replace_triggered_by"]
    module["resources"] = resources


class WebProject(Project):
    """Names beside the resources of AWS of the module: `net` for module.web.net."""

    def setUp(self):
        super().setUp()
        self.root, self.variables = self.path, {"image": str(HELLO), "office": "192.0.2.0/24", "version": "v1"}
        for folder in (EXAMPLE, MODULE):
            shutil.copytree(ROOT / folder, self.root / folder,
                            ignore=shutil.ignore_patterns(".hadeploy", "secrets.yaml"))
        self.path = self.root / EXAMPLE
        # moto has images of Canonical's account, but none of Debian's
        self.edit("hadeploy.yaml", 'owner: "136693071363", name: "debian-13-amd64-*"',
                  'owner: "099720109477", name: "ubuntu/images/hvm-ssd/ubuntu-trusty-14.04-amd64-*"')
        done = subprocess.run([self.path / "new-secrets"], env=self.environment(), capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def environment(self):
        return {**super().environment(), "HADEPLOY": HADEPLOY, "HADEPLOY_VAULT_PASSWORD": "example",
                **{f"HADEPLOY_VAR_{name}": value for name, value in self.variables.items()}}

    def edit(self, file, old, new):
        text = (self.path / file).read_text()
        self.assertIn(old, text)
        (self.path / file).write_text(text.replace(old, new))

    def edit_module(self, change):
        """Applies a function to the parsed module."""
        file = self.root / MODULE / "module.yaml"
        module = yaml.safe_load(file.read_text())
        change(module)
        file.write_text(yaml.safe_dump(module, sort_keys=False, width=10 ** 6))

    def secrets(self):
        return yaml.safe_load(self.run_it("vault", "view", "secrets.yaml"))

    def recorded(self, address):
        return super().recorded("module.web." + address)

    def differs(self, *expected):
        super().differs(*(one.replace(" ", " module.web.", 1) for one in expected))

    def destroy(self):
        return self.run_it("destroy", "--auto-approve", "--allow-data-loss")

    def nothing_is_left(self):
        self.assertEqual(self.ours(), [])
        self.assertEqual(self.vpcs(), self.theirs)
        self.assertEqual(self.run_it("state", "list"), "")

    def secrets_in(self, *texts):
        """The names of the secrets that one of the texts contains."""
        def leaves(value, name):
            if isinstance(value, dict):
                for key, one in value.items():
                    yield from leaves(one, f"{name}.{key}")
            else:
                yield name, value
        found = set()
        for name, value in leaves(self.secrets(), ""):
            if name.endswith(".public"):
                continue
            parts = [line for line in value.splitlines() if len(line) > 16 and "-----" not in line][-1:]
            # the first lines of all private keys are equal
            found |= {name for text in texts if any(part in text for part in parts)}
        return found

    def files_of_state(self):
        return [path.read_bytes().decode("latin-1") for path in (self.path / ".hadeploy").rglob("*") if path.is_file()]
