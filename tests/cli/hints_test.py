#!/usr/bin/env python3
"""Typical mistakes and their hints: each mistake gets its hint, and ordinary text gets none.

usage: hints_test.py HADEPLOY [unittest options]
"""
import unittest

from local_project import Project

SPEC = """
variables: {n: {type: integer, default: 1}, names: {type: list, default: [z]}}
locals: {l: 1}
data: {d: {type: local.file_content, path: there}}
modules:
  m: {source: m, with: {n: 1}}
  mm: {source: m, for_each: [p, q], with: {n: 1}}
resources:
  a: {type: random.id, for_each: [z, y]}
  b: {type: random.id, count: 2}
  one: {type: random.id}
  file: {type: local.file, path: x, content: y}
"""
MODULE = """
variables: {n: {type: integer}}
outputs: {x: "${var.n}"}
"""
# expression -> hint
EXPRESSIONS = {
    "random_id.one.hex": "without its type: ${one.hex}",
    "random.id.one.hex": "without its type: ${one.hex}",
    "local.file.file.path": "without its type: ${file.path}",
    "local_file.file.path": "without its type: ${file.path}",
    "resource.random.id.one.hex": "without its type: ${one.hex}",
    "data.local.file_content.d.content": "without its type: ${data.d.content}",
    "locals.l": "a local is ${local.l}",
    "vars.n": "a variable is ${var.n}",
    "variable.n": "a variable is ${var.n}",
    "modules.m.x": "a module's output is ${module.m.x}",
    "output.x": "a spec can't refer to its own outputs",
    "env.HOME": "set HADEPLOY_VAR_HOME in the environment, and use ${var.HOME}",
    "terraform.workspace": "there are no workspaces",
    "n": "a variable is ${var.n}",
    "l": "a local is ${local.l}",
    "d": "a data source is ${data.d}",
    "m": "a module's output is ${module.m}",
    "a[z].hex": 'a key is written in quotes: a["z"]',
    "a[z]": 'a key is written in quotes: a["z"]',
    "module.mm[p].x": 'a key is written in quotes: module.mm["p"]',
    "a.hex": 'for example a["y"].hex',
    "a[0].hex": "it has: y, z",
    "module.m[0].x": "it has: x",
}
# spec -> hint
INDENTED = {
    "resources:\n  a:\n  type: local.file\n  path: x\n":
        'indent the contents of "a" below it',
    "resources:\na:\n  type: local.file\n  path: x\n":
        'indent the contents of "resources" below it',
    "outputs:\nx: 1\n": 'indent the contents of "outputs" below it',
    "resources:\n  a:\n    type: local.file\n  path: x\n":
        "attributes are indented further than the name of their block",
    "resources:\n  a:\n    type: local.file\n  content: x\n":
        "attributes are indented further than the name of their block",
    "resources:\n  a:\n    type: local.file\n      path: x\n":
        "this line is indented further than the one before it",
    "resources:\n  a:\n    type: local.file\n    path: x\n   content: y\n":
        "all keys of one map begin in the same column",
    " resources: {}\n": "this line is indented further than the one before it",
    "resources:\n  a: {type: random.id}\n  outputs: {x: 1}\n":
        '"outputs" is a section of the spec: it begins in the first column',
    "variables:\n  n:\n  default: 1\n":
        "attributes are indented further than the name of their block",
    "resources:\n  a:\n    type: random.id\n    lifecycle:\n    prevent_destroy: true\n":
        'indent the contents of "a"',
    "resources:\n  - a:\n      type: local.file\n":
        'use each name as a key, without a "- " before it',
}
# type errors caused by a missing ${}
TYPED = {
    "variables: {n: {type: integer, default: 1}}\n"
    "resources: {a: {type: random.id, bytes: var.n}}\n": '"${var.n}"',
    "variables: {n: {type: integer, default: 1}}\n"
    "resources: {a: {type: random.id, count: var.n}}\n": '"${var.n}"',
    "locals: {many: [a]}\nresources: {a: {type: random.id, for_each: local.many}}\n":
        '"${local.many}"',
    "variables: {n: {type: integer, default: 1}}\n"
    "modules: {m: {source: m, with: {n: var.n}}}\n": '"${var.n}"',
}


class HintsTest(Project):
    def setUp(self):
        super().setUp()
        self.write("m/module.yaml", MODULE)
        (self.path / "there").write_text("x\n")

    def test_references(self):
        for expression, hint in EXPRESSIONS.items():
            with self.subTest(expression):
                self.spec(SPEC + f"outputs: {{o: '${{{expression}}}'}}\n")
                self.assertIn(hint, self.run_it("validate", code=65))

    def test_indentation(self):
        for spec, hint in INDENTED.items():
            with self.subTest(spec):
                self.spec(spec)
                self.assertIn(hint, self.run_it("validate", code=65))

    def test_a_reference_without_its_braces(self):
        for spec, hint in TYPED.items():
            with self.subTest(spec):
                self.spec(spec)
                self.assertIn(hint, self.run_it("validate", code=65))
        for text in ("var.n", "local.l", "data.d.content", "module.m.x", "one.hex", "a[0].hex"):
            with self.subTest(text):
                self.spec(SPEC + f'outputs: {{o: [1, {{k: "{text}"}}]}}\n')
                remark = f'"{text}" is used as text; to refer to the value, write ${{{text}}}'
                self.assertIn(remark, self.run_it("validate").replace("\\", ""))
                self.assertIn(remark, self.run_it("plan").replace("\\", ""))

    def test_ordinary_text_has_no_hint(self):
        for text in ("var.other", "var", "local.", "one.txt", "file.path", "example.org", "see var.n",
                     "var.n!", "var..n", "v1.2.3", "a.b", "module.m", "10.0.0.1", "$${var.n}",
                     "${var.n}", "each.key", "count.index", "m.x"):
            with self.subTest(text):
                self.spec(SPEC + f"outputs: {{o: '{text}'}}\n")
                self.assertNotIn("used as text", self.run_it("validate"))

    def test_what_is_not_there(self):
        self.spec("modules: {m: {source: ./nope}}\n")
        self.assertIn("a module is a directory with a module.yaml", self.run_it("validate", code=65))
        self.spec("resources: {a: {type: local.file, path: no/such/x, content: y}}\n")
        said = self.apply(code=1)
        self.assertRegex(said, r'there is no directory ".*/no/such"')
        self.assertIn("create the directory, by hand or with a local.directory on which this local.file depends", said)
        self.spec("variables: {s: {type: string, default: hidden, secret: true}}\nresources:\n"
                  "  a: {type: local.file, for_each: [x, y, z], path: 'no/such/${each.key}', content: y}\n"
                  "  b: {type: local.file, for_each: [x, y], path: '${var.s}/${each.key}', content: y}\n")
        said = self.run_it("plan")
        self.assertEqual(said.count("there is no directory"), 2, said)
        self.assertIn('resource: a["x"]\n  also: a["y"], a["z"]\n', said)
        self.assertRegex(said, r'there is no directory at its path.*\n.*\n.*\n  resource: b\["x"\]\n  also: b\["y"\]\n')
        self.assertNotIn("hidden", said)


if __name__ == "__main__":
    unittest.main()
