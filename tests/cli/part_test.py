#!/usr/bin/env python3
"""Partial work: plans with an exclusion, changes of the state only, a removal without the spec, validation
without values or of a single module.

usage: part_test.py HADEPLOY [unittest options]
"""
import json
import os
import unittest

from command_case import Case


class ExcludeTest(Case):
    def test_exclude(self):
        text = self.out("plan", "--exclude", "first")
        self.assertNotIn("first", text.replace("except first and", ""))
        self.assertNotIn("second", text)
        self.assertIn("note: this plan is partial: everything except first and dependents", text)
        self.apply("--exclude", "second", "--exclude", "many[y]")
        self.assertEqual(self.addresses(), ["first", 'many["x"]'])
        self.assertIn("apply --exclude second --exclude many[y]", self.out("history"))
        self.assertIn("only a part", self.err("rollback", "1", "--auto-approve"))
        self.assertIn("no changes", self.out("why", "second", "--exclude", "first"))
        self.apply()
        self.out("destroy", "--auto-approve", "--exclude", "second")
        self.assertEqual(self.addresses(), ["first", "second"])

    def test_a_saved_plan_carries_it(self):
        self.out("plan", "--exclude", "first", "--out", "p")
        self.out("apply", "p")
        self.assertEqual(self.addresses(), ['many["x"]', 'many["y"]'])
        self.assertIn("apply --exclude first", self.out("history"))
        self.out("plan", "--destroy", "--exclude", 'many["x"]', "--out", "p")
        self.out("apply", "p")
        self.assertEqual(self.addresses(), ['many["x"]'])


    def test_around_what_cannot_be_read(self):
        """The advice in the note works."""
        self.spec("name: t\nresources:\n"
                  "  conf: {type: local.file, path: conf, content: x}\n"
                  "  rest: {type: local.file, path: rest, content: x}\n")
        self.apply()
        (self.path / "conf").unlink()
        os.mkfifo(self.path / "conf")
        self.assertIn("`--exclude conf` skips it", self.err("plan", status=1))
        self.out("plan", "--exclude", "conf")
        self.assertIn("`--exclude conf` removes the rest",
                      self.err("destroy", "--auto-approve", status=1))
        self.out("destroy", "--auto-approve", "--exclude", "conf")
        self.assertEqual(self.addresses(), ["conf"])
        self.assertFalse((self.path / "rest").exists())


class StateAloneTest(Case):
    def test_outputs(self):
        self.spec("name: t\noutputs: {a: one}\n")
        text = self.out("plan", "--detailed-exitcode", status=2)
        self.assertIn("  + a: one\n", text)
        self.assertIn("Only outputs change", text)
        self.assertIn("there is no terminal", self.err("apply"))
        self.assertIn("only outputs changed", self.apply())
        self.assertEqual(self.out("output", "a"), "one\n")
        self.out("plan", "--detailed-exitcode")
        self.spec("name: t\noutputs: {b: two}\n")
        plan = json.loads(self.out("plan", "--json"))
        self.assertEqual(plan["output_changes"], {"a": {"action": "remove", "before": "one"},
                                                  "b": {"action": "create", "after": "two"}})
        self.out("plan", "--out", "p")
        self.out("apply", "p")
        self.assertEqual(self.out("output"), "b = two\n")
        self.assertIn("outputs in the state", self.err("apply", "p", status=1))
        self.assertEqual(self.out("history").count("only outputs changed"), 2)
        self.out("rollback", "1", "--auto-approve")
        self.assertEqual(self.out("output"), "a = one\n")
        self.assertIn("  - a", self.out("plan", "--destroy", "--detailed-exitcode", status=2))
        self.out("destroy", "--auto-approve")
        self.assertEqual(self.out("output"), "")
        self.out("plan", "--destroy", "--detailed-exitcode")

    def test_a_value_that_becomes_a_secret(self):
        self.spec("name: t\noutputs: {a: one}\n")
        self.apply()
        self.spec("name: t\noutputs: {a: {value: one, secret: true}}\n")
        self.out("plan", "--detailed-exitcode", status=2)
        self.apply()
        self.assertEqual(self.out("output"), "a = (secret)\n")

    def test_addresses(self):
        self.spec("name: t\nresources: {a: {type: ssh.key, name: a}}\n")
        self.apply()
        self.spec("name: t\nresources: {b: {type: ssh.key, name: a}}\n"
                  "moved: [{from: a, to: b}]\n")
        text = self.out("plan", "--detailed-exitcode", status=2)
        self.assertIn("Moved in the state; the objects do not change:\n      a -> b\n", text)
        self.assertIn("Only addresses change", text)
        self.assertEqual(json.loads(self.out("plan", "--json").splitlines()[-1])["moved"],
                         [{"from": "a", "to": "b"}])
        self.out("plan", "--out", "p")
        self.assertIn("1 moved", self.out("apply", "p"))
        self.assertEqual(self.addresses(), ["b"])
        self.assertRegex(self.out("history"), r"2  .* apply  .* done +1 moved")
        self.out("plan", "--detailed-exitcode")
        self.assertIn("stale", self.err("apply", "p", status=1))

    def test_what_is_only_noted_is_no_change(self):
        self.spec("name: t\nresources: {a: {type: local.directory, path: a}}\n")
        self.apply()
        self.spec("name: t\nresources: {a: {type: local.directory, path: a, keep: true}}\n")
        self.out("plan", "--detailed-exitcode")
        self.assertIn("Nothing to change", self.apply())
        self.assertEqual(self.out("history").count("\n"), 1)
        self.out("destroy", "--auto-approve")
        self.assertTrue((self.path / "a").exists())  # it was recorded

    def test_a_saved_plan_of_nothing_says_so(self):
        self.apply()
        self.out("plan", "--out", "p")
        self.assertIn("Nothing to change: all resources match the spec.", self.out("apply", "p"))
        self.assertEqual(self.out("history").count("\n"), 1)


class RemovalTest(Case):
    SPEC = ("name: t\nvariables: {v: {type: string}}\n"
            "resources: {a: {type: ssh.key, name: a}, b: {type: ssh.key, name: b, "
            "depends_on: [a]}, c: {type: local.value, input: \"${file('in')} ${var.v}\"}}\n")

    def setUp(self):
        super().setUp()
        self.spec(self.SPEC)
        (self.path / "in").write_text("in")
        self.apply("--var", "v=1")

    def check(self, why, *words):
        done = self.run_it(*words)
        self.assertIn("note: the spec cannot be used, so only the state is used: ", done.stderr)
        self.assertIn(why, done.stderr)
        return done.stdout

    def test_each_reason(self):
        self.check('variable "v" has no value', "plan", "--destroy")
        self.assertNotIn("note:", self.run_it("plan", "--destroy", "--var", "v=1").stderr)
        (self.path / "in").unlink()
        self.check("hadeploy.yaml:3:", "plan", "--destroy", "--var", "v=1")
        self.spec("name: t\nbroken: [\n")
        self.check("hadeploy.yaml:", "destroy", "--auto-approve", "--target", "b")
        self.assertEqual(self.addresses(), ["a", "c"])
        (self.path / "hadeploy.yaml").unlink()
        self.check("hadeploy.yaml: No such file", "apply", "--destroy", "--auto-approve")
        self.assertEqual(self.addresses(), [])
        self.assertFalse(self.key("a").exists())
        self.check("hadeploy.yaml: No such file", "destroy", "--auto-approve")

    def test_a_saved_plan(self):
        (self.path / "hadeploy.yaml").unlink()
        self.check("No such file", "plan", "--destroy", "--out", "p")
        self.out("apply", "p")
        self.assertEqual(self.addresses(), [])
        self.spec(self.SPEC)
        self.out("rollback", "1", "--auto-approve")
        self.assertEqual(self.addresses(), ["a", "b", "c"])
        self.out("rollback", "2", "--auto-approve")  # records the inputs of the run before it
        self.assertEqual(self.addresses(), [])

    def test_another_project(self):
        self.spec("name: other\nresources: {a: {type: no.such}}\n")
        self.assertIn('belongs to the project "t"', self.err("destroy", "--auto-approve", status=1))
        self.assertEqual(self.addresses(), ["a", "b", "c"])

    def test_nothing_but_a_removal(self):
        (self.path / "hadeploy.yaml").unlink()
        for words in (("plan",), ("apply", "--auto-approve"), ("plan", "--refresh-only")):
            self.assertIn("No such file", self.err(*words, status=65))


class ValidateTest(Case):
    def test_without_values(self):
        self.spec("name: t\nvariables: {v: {type: string}, s: {type: string, secret: true}, "
                  "n: {type: integer}, m: {type: map(string)}, d: {default: 1}}\n"
                  "resources:\n"
                  "  a: {type: local.value, input: \"${var.v} ${var.s}\"}\n"
                  "  b: {type: local.value, count: \"${var.n}\", input: \"${count.index}\", "
                  "lifecycle: {preconditions: [{check: \"${count.index > 5}\", message: no}]}}\n"
                  "  c: {type: local.value, for_each: \"${var.m}\", input: \"${each.value}\", "
                  "lifecycle: {preconditions: [{check: \"${each.key == 'x'}\", message: no}]}}\n"
                  "  e: {type: local.value, for_each: \"${c}\", "
                  "input: \"${c[each.key].output} ${b[0].output} ${b[*].output} ${c[\\\"x\\\"].output}\"}\n"
                  "outputs: {all: \"${c}\"}\n")
        done = self.run_it("validate")
        self.assertEqual(done.stdout, "The spec is valid: 4 resources.\n")
        self.assertIn("note: variables without a value are unknown here: m, n, s, v\n", done.stderr)
        line = json.loads(self.out("validate", "--json"))
        self.assertEqual(line["variables_without_value"], ["m", "n", "s", "v"])
        self.assertEqual(line["warnings"], [])
        self.assertIn('"v" has no value', self.err("plan", status=65))
        self.assertIn("variables without a value are unknown here: m, n, s\n", self.run_it("validate", "--var", "v=1").stderr)
        self.assertIn("expected an integer",
                      self.err("validate", "--var", "n=x", status=65))

    def test_a_module_alone(self):
        module = self.path / "m"
        module.mkdir()
        (module / "module.yaml").write_text(
            "variables: {hosts: {type: map(connection)}}\n"
            "resources: {f: {type: host.file, for_each: \"${var.hosts}\", host: \"${each.value}\", "
            "path: \"/srv/${each.key}\", content: x}}\n")
        for words in (["validate", "m"], ["validate", "m/module.yaml"], ["--chdir", "m", "validate"],
                      ["--chdir", "m", "validate", "module.yaml"]):
            done = self.run_it(*words)
            self.assertEqual(done.stdout, "The module is valid: 1 resource.\n")
            self.assertIn("variables without a value are unknown here: hosts", done.stderr)
        (module / "module.yaml").write_text("resources: {f: {type: host.file, path: 1}}\n")
        self.assertIn("m/module.yaml:1:", self.err("validate", "m", status=65))
        self.assertIn("The spec is valid", self.out("validate", "."))
        self.assertIn("The spec is valid", self.out("validate", "hadeploy.yaml"))


if __name__ == "__main__":
    unittest.main()
