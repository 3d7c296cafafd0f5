#!/usr/bin/env python3
"""The JSON Schema of `hadeploy schema`, as an editor uses it: valid specs pass, and mistakes are found where
hadeploy finds them.

usage: schema_test.py HADEPLOY [unittest options]
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

import jsonschema
import yaml

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
SOURCE = pathlib.Path(__file__).resolve().parents[2]
CATALOGUE = SOURCE / "tests" / "cli" / "catalogue"


class Loader(yaml.SafeLoader):
    """YAML 1.2, as hadeploy reads it: `no` and `on` are strings."""


Loader.yaml_implicit_resolvers = {
    first: [r for r in resolvers if r[0] != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), "tf")


def read(text):
    return yaml.load(text, Loader)


def out(*words):
    return subprocess.run([HADEPLOY, *words], check=True, capture_output=True, text=True,
                          timeout=60).stdout


class SchemaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schemas = {name: json.loads(out("schema", *words))
                       for name, words in (("hadeploy.yaml", ()), ("module.yaml", ("--module",)))}

    def mistakes(self, spec, name="hadeploy.yaml"):
        validator = jsonschema.Draft7Validator(self.schemas[name])
        return [f"{'.'.join(map(str, e.absolute_path))}: {e.message}"
                for e in validator.iter_errors(spec)]

    def test_it_is_a_schema(self):
        for schema in self.schemas.values():
            jsonschema.Draft7Validator.check_schema(schema)

    def test_the_specs_of_this_repository_pass(self):
        seen = 0
        for folder in ("examples", "modules", "templates"):
            for file in (SOURCE / folder).rglob("*.yaml"):
                if file.name in self.schemas:
                    seen += 1
                    self.assertEqual(self.mistakes(read(file.read_text()), file.name), [], file)
        self.assertGreaterEqual(seen, 11)

    def test_every_type_s_example_passes(self):
        page = out("docs", "--markdown")
        examples = re.findall(r"```yaml\n((?:resources|data):\n.*?)```",
                              page[page.index("## Resource types"):], re.S)
        types = out("docs").split("Providers:")[0].split("\n")
        self.assertEqual(len(examples), len([t for t in types if t]))
        for example in examples:
            self.assertEqual(self.mistakes({"name": "t", **read(example)}), [], example)

    def test_what_hadeploy_refuses_is_seen(self):
        for case in ("types-unknown-key", "types-unknown-type", "types-missing-field",
                     "types-unknown-section", "types-no-name", "types-missing-type"):
            spec = read((CATALOGUE / case / "hadeploy.yaml").read_text())
            self.assertNotEqual(self.mistakes(spec), [], case)
        self.assertNotEqual(self.mistakes({"name": "t"}, "module.yaml"), [])
        for name in ("data", "each", "true", "1st", "a b"):
            spec = {"name": "t", "resources": {name: {"type": "random.id", "bytes": 8}}}
            self.assertEqual(len(self.mistakes(spec)), 1, name)

    def test_what_hadeploy_takes_passes(self):
        for spec in ({"name": "t", "x-common": {"a": 1}, "resources": {}},
                     {"name": "t", "resources": {"v": {"type": "local.value",
                                                       "input": {"${var.k}": 1}}}}):
            self.assertEqual(self.mistakes(spec), [], spec)
        self.assertEqual(self.mistakes({"x-common": 1}, "module.yaml"), [])
        self.assertNotEqual(self.mistakes({"name": "t", "X-common": 1}), [])


if __name__ == "__main__":
    unittest.main()
