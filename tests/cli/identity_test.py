#!/usr/bin/env python3
"""Objects over time: the same object under another address, and failed changes.

usage: identity_test.py HADEPLOY [unittest options]
"""
import json
import unittest

from identity_project import IdentityProject
from local_project import at_each_parallelism


class AddressTest(IdentityProject):
    @at_each_parallelism
    def test_another_name(self):
        self.spec("resources: {old: {type: local.file, path: f.txt, content: x}}\n")
        self.apply()
        inode = (self.path / "f.txt").stat().st_ino
        self.spec("resources: {new: {type: local.file, path: f.txt, content: x}}\n")
        self.assertEqual(self.moves(), {("old", "new")})
        self.assertIn("1 moved", self.apply())
        self.assertEqual((self.path / "f.txt").stat().st_ino, inode)  # unchanged
        self.assertEqual(self.addresses(), ["new"])
        self.assert_settled()

    def test_options_take_the_address_from_before_a_move(self):
        self.spec("resources: {old: {type: local.file, path: f.txt, content: x}}\n")
        self.apply()
        self.spec("moved: [{from: old, to: new}]\nresources:\n"
                  "  new: {type: local.file, path: f.txt, content: y}\n"
                  "  other: {type: local.file, path: g.txt, content: z}\n")
        addresses = lambda *words: [s["address"] for s in self.plan(*words)["steps"]]
        self.assertEqual(addresses("--target", "old"), ["new"])
        self.assertEqual(addresses("--exclude", "old"), ["other"])
        self.assertIn("new", addresses("--replace", "old"))
        self.assertIn("new", self.run_it("why", "old"))
        self.assertIn("no such", self.run_it("plan", "--target", "older", code=64))

    def test_validate_finds_moved_and_removed_that_are_there(self):
        for section in ("moved: [{from: a, to: b}]", "removed: [a]"):
            self.spec(section + "\nresources:\n  a: {type: local.value, input: 1}\n"
                      "  b: {type: local.value, input: 2}\n")
            self.assertIn("a is still in the spec", self.run_it("validate", code=65))

    @at_each_parallelism
    def test_another_name_and_content(self):
        self.spec("resources: {old: {type: local.file, path: f.txt, content: x}}\n")
        self.apply()
        self.spec("resources: {new: {type: local.file, path: f.txt, content: y}}\n")
        self.assertIn("1 changed, 1 moved", self.apply())
        self.assertEqual((self.files(), self.read("f.txt")), (["f.txt"], "y"))
        self.assert_settled()

    @at_each_parallelism
    def test_into_a_module_and_out_of_it(self):
        file = "resources: {{f: {{type: local.file, path: {}f.txt, content: x}}}}\n"
        self.write("m/module.yaml", file.format("../"))
        self.spec(file.format(""))
        self.apply()
        self.spec("modules: {m: {source: m}}\n")
        self.assertEqual(self.moves(), {("f", "module.m.f")})
        self.apply()
        self.assertEqual((self.files(), self.addresses()), (["f.txt"], ["module.m.f"]))
        self.spec(file.format(""))
        self.apply()
        self.assertEqual((self.files(), self.addresses()), (["f.txt"], ["f"]))
        self.assert_settled()

    @at_each_parallelism
    def test_a_list_loses_its_middle(self):
        spec = """variables: {{l: {{default: [a, b, c]}}}}
resources: {{r: {{type: local.file, {}, content: x}}}}
"""
        by_count = spec.format('count: "${length(var.l)}", path: "${var.l[count.index]}.txt"')
        by_key = spec.format('for_each: "${var.l}", path: "${each.key}.txt"')
        less = ("--var", "l=[a, c]")
        self.spec(by_count)
        self.apply()
        inode = (self.path / "c.txt").stat().st_ino
        plan = self.plan(*less)
        self.assertEqual([(s["action"], s["address"]) for s in plan["steps"]],
                         [("remove", "r[1]#2")])
        self.apply(*less)
        self.assertEqual((self.files(), self.addresses()),
                         (["a.txt", "c.txt"], ["r[0]", "r[1]"]))
        self.assertEqual((self.path / "c.txt").stat().st_ino, inode)
        self.assert_settled(*less)
        self.spec(by_key)  # other keys for the same objects
        self.assertEqual(self.moves(*less), {("r[0]", 'r["a"]'), ("r[1]", 'r["c"]')})
        self.apply(*less)
        self.assertEqual((self.path / "c.txt").stat().st_ino, inode)
        self.assert_settled(*less)

    @at_each_parallelism
    def test_names_that_are_exchanged(self):
        spec = """resources:
  a: {{type: local.file, path: {}.txt, content: one}}
  b: {{type: local.file, path: {}.txt, content: two}}
"""
        self.spec(spec.format("x", "y"))
        self.apply()
        self.spec(spec.format("y", "x"))
        self.assertEqual(self.moves(), {("a", "b"), ("b", "a")})
        self.apply()
        self.assertEqual((self.read("x.txt"), self.read("y.txt")), ("two", "one"))
        self.assert_settled()

    @at_each_parallelism
    def test_a_count_is_added_and_taken_away(self):
        self.write("m/module.yaml", "resources: {r: {type: random.id}}\noutputs: {o: '${r.hex}'}\n")
        alone = """resources: {a: {type: random.id}}
modules: {m: {source: m}}
outputs: {o: "${a.hex}", p: "${module.m.o}"}
"""
        counted = """resources: {a: {type: random.id, count: 1}}
modules: {m: {source: m, count: 1}}
outputs: {o: "${a[0].hex}", p: "${module.m[0].o}"}
"""
        self.write("m/module.yaml",
                   "resources: {r: {type: random.id}}\noutputs: {o: '${r.hex}'}\n")
        self.spec(alone)
        self.apply()
        before = self.run_it("output", "--json")
        self.spec(counted)
        self.assertEqual(self.moves(), {("a", "a[0]"), ("module.m.r", "module.m[0].r")})
        self.apply()
        self.assertEqual(self.addresses(), ["a[0]", "module.m[0].r"])
        self.assertEqual(self.run_it("output", "--json"), before)
        self.spec(counted + """moved: [{from: a, to: "a[0]"}, {from: module.m, to: "module.m[0]"}]
""")
        self.assert_settled()
        self.spec(alone)
        self.apply()
        self.assertEqual(self.addresses(), ["a", "module.m.r"])
        self.assertEqual(self.run_it("output", "--json"), before)

    def test_a_look_alike_is_pointed_out(self):
        self.spec("resources: {a: {type: random.id, bytes: 4}}\n")
        self.apply()
        self.spec("resources: {b: {type: random.id, bytes: 4}}\n")
        self.assertIn("moved: [{from: 'a', to: 'b'}]", self.run_it("plan"))
        self.assertEqual(self.moves(), set())
        self.spec("resources: {b: {type: random.id, bytes: 4}}\nmoved: [{from: 'a', to: 'b'}]\n")
        self.assertEqual(self.moves(), {("a", "b")})

    @at_each_parallelism
    def test_rollback_undoes_moves(self):
        module = "resources: {r: {type: random.id}}\n"
        self.write("m/module.yaml", module)
        self.spec("modules: {old: {source: m}}\n")
        self.apply()
        before = self.run_it("state", "show", "module.old.r")
        self.spec("""modules: {new: {source: m, for_each: [x]}}
moved: [{from: module.old, to: 'module.new["x"]'}]
""")
        self.apply()
        self.assertEqual(self.addresses(), ['module.new["x"].r'])
        self.run_it("rollback", "1", "--auto-approve")
        self.assertEqual(self.run_it("state", "show", "module.old.r"), before)
        self.assertRegex(self.run_it("history"), r"rollback 1  .* done +1 moved")
        self.apply()  # the spec still has the new name
        self.assertEqual(self.addresses(), ['module.new["x"].r'])
        self.assertIn(before.splitlines()[-1], self.run_it("state", "show", self.addresses()[0]))


class FailureTest(IdentityProject):
    @at_each_parallelism
    def test_a_failed_update_that_is_taken_back(self):
        self.spec("""variables: {v: {default: good}}
resources: {x: {type: local.exec, environment: {V: "${var.v}"}, create: "echo $V > f", update: "echo $V > f; test $V = good"}}
""")
        self.apply()
        self.apply("--var", "v=bad", code=1)
        self.assertEqual(self.read("f"), "bad\n")
        self.assertEqual(self.plan()["resumed"], {"x": "update"})
        self.apply()
        self.assertEqual(self.read("f"), "good\n")
        self.assert_settled()

    @at_each_parallelism
    def test_a_destroy_that_fails_half_way(self):
        spec = """resources:
  a: {type: local.value, input: 1}
  b: {type: local.exec, create: "echo c >> log", delete: "test -e ok", environment: {A: "${a.output}"}}
  c: {type: local.value, input: "${b.outputs.stdout}"}
"""
        self.spec(spec)
        self.apply()
        self.run_it("destroy", "--auto-approve", "--parallelism=" + self.parallelism, code=1)
        self.assertEqual(self.addresses(), ["a", "b"])
        self.log()
        actions = {s["address"]: s["action"] for s in self.plan()["steps"]}
        self.assertEqual(actions, {"b": "create", "c": "create"})  # not considered complete
        self.write("ok", "")
        self.run_it("destroy", "--auto-approve", "--parallelism=" + self.parallelism)
        self.assertEqual(self.addresses(), [])

    @at_each_parallelism
    def test_after_a_failed_removal_it_is_made_again(self):
        self.spec('resources: {b: {type: local.exec, create: "echo c >> log", delete: "rm -f log; false"}}\n')
        self.apply()
        for saved in (False, True):
            self.run_it("destroy", "--auto-approve", "--parallelism=" + self.parallelism, code=1)
            if saved:
                self.run_it("plan", "--out", "p")
            self.apply(*(["p"] if saved else []))
            self.assertEqual(self.log(), ["c"])
            self.assert_settled()

    @at_each_parallelism
    def test_a_trigger_outlives_a_failed_run(self):
        spec = """variables: {v: {default: 1}}
resources:
  s: {type: local.value, input: "${var.v}"}
  g: {type: local.exec, create: "true", update: "test -e ok", environment: {V: "${s.output}"}}
  r: {type: local.exec, create: "echo c >> log", delete: "echo d >> log", depends_on: [g], lifecycle: {replace_triggered_by: [s]}}
"""
        two = ("--var", "v=2")
        self.spec(spec)
        self.apply()
        self.log()
        self.apply(*two, code=1)  # g fails once s has changed
        self.write("ok", "")
        self.apply(*two)
        log = self.log()
        self.assertEqual((log.count("d"), log.count("c")), (1, 1))
        self.assert_settled(*two)


class RuleTest(IdentityProject):
    def test_replace_triggered_by(self):
        self.write("m/module.yaml", 'variables: {v: {}}\nresources: {x: {type: local.value, input: "${var.v}"}}\n')
        two = ("--var", "v=2")
        replaced = lambda: {s["address"] for s in self.plan(*two)["steps"] if s["action"] == "replace"}
        self.spec("""variables: {v: {default: 1}}
modules: {m: {source: m, with: {v: "${var.v}"}}}
resources: {r: {type: random.id, lifecycle: {replace_triggered_by: [module.m]}}}
""")
        self.apply()
        self.assertEqual(replaced(), {"r"})
        for key, expected in (('each.key', {'r["a"]'}), ('"a"', {'r["a"]', 'r["b"]'})):
            self.spec(f"""variables: {{v: {{default: 1}}}}
resources:
  s: {{type: local.value, for_each: [a, b], input: "${{each.key == 'a' ? var.v : 0}}"}}
  r: {{type: random.id, for_each: [a, b], lifecycle: {{replace_triggered_by: ['s[{key}]']}}}}
""")
            self.apply()
            self.assertEqual(replaced(), expected)
        for wrong, what in (("var.v", 'nothing here is called "var.v"'),
                            ("data.d", "a data source is only read")):
            self.spec(f"""variables: {{v: {{default: 1}}}}
data: {{d: {{type: local.command, run: "echo 1"}}}}
resources: {{r: {{type: random.id, lifecycle: {{replace_triggered_by: [{wrong}]}}}}}}
""")
            text = self.run_it("validate", code=65)
            self.assertIn(what, text)
            self.assertIn("local.value", text)  # the recommended way

    def test_data_as_a_trigger_by_way_of_a_value(self):
        self.spec("""data: {d: {type: local.command, run: "cat n"}}
resources:
  s: {type: local.value, input: "${data.d.outputs.stdout}"}
  r: {type: random.id, lifecycle: {replace_triggered_by: [s]}}
""")
        self.write("n", "1")
        self.apply()
        self.assert_settled()
        self.write("n", "2")
        self.assertEqual({s["address"]: s["action"] for s in self.plan()["steps"]},
                         {"s": "update", "r": "replace"})

    @at_each_parallelism
    def test_an_old_object_stays_beside_the_new_one(self):
        self.spec("""variables: {v: {default: one}}
resources:
  f: {type: local.file, path: "${var.v}.txt", content: x, lifecycle: {keep_on_destroy: true, create_before_destroy: true}}
""")
        self.apply()
        self.apply("--var", "v=two")
        self.assertEqual((self.files(), self.addresses()), (["one.txt", "two.txt"], ["f"]))
        self.assert_settled("--var", "v=two")
        self.run_it("destroy", "--auto-approve", "--var", "v=two")
        self.assertEqual((self.files(), self.addresses()), (["one.txt", "two.txt"], []))

    def test_outputs_alone(self):
        self.spec("outputs: {test: test}\n")
        self.run_it("plan", "--detailed-exitcode", code=2)
        self.apply()
        self.assert_settled()
        self.spec("outputs: {test: other, more: 1}\n")
        self.run_it("plan", "--detailed-exitcode", code=2)
        self.assertEqual(self.run_it("output"), "test = test\n")
        self.apply()
        self.assertEqual(self.run_it("output"), "more = 1\ntest = other\n")
        self.spec("")
        self.run_it("plan", "--detailed-exitcode", code=2)
        self.apply()
        self.assertEqual(self.run_it("output"), "")

    def test_null_in_outputs(self):
        self.spec("outputs: {o: {a: null, b: {c: null}}, l: [null], e: {}}\n")
        self.apply()
        self.assertEqual(self.run_it("output"), "e = {}\nl = [null]\no = {a: null, b: {c: null}}\n")
        self.assertEqual(json.loads(self.run_it("output", "--json")),
                         {"e": {}, "l": [None], "o": {"a": None, "b": {"c": None}}})

    def test_a_saved_plan_without_a_change(self):
        self.spec("resources: {a: {type: local.value, input: 5}}\n")
        self.apply()
        self.run_it("plan", "--out", "p", "--detailed-exitcode")
        self.assertIn("Nothing to change", self.run_it("apply", "p"))
        self.assertEqual(self.run_it("history").count("\n"), 1)


class LeftoversTest(IdentityProject):
    """Moves, failures and replacements that once lost an object."""

    @at_each_parallelism
    def test_a_module_loses_its_key(self):
        self.write("m/module.yaml", "resources: {x: {type: random.id}}\noutputs: {id: '${x.hex}'}\n")
        self.spec("modules: {m: {source: m, for_each: [k]}}\n"
                  "outputs: {id: '${module.m[\"k\"].id}'}\n")
        self.apply()
        before = self.run_it("output", "id")
        self.spec("modules: {m: {source: m}}\noutputs: {id: '${module.m.id}'}\n"
                  "moved: [{from: 'module.m[\"k\"]', to: module.m}]\n")
        self.assertEqual(self.moves(), {('module.m["k"].x', "module.m.x")})
        self.apply()
        self.assertEqual(self.run_it("output", "id"), before)
        self.assert_settled()

    @at_each_parallelism
    def test_rollback_to_an_address_that_is_used_again(self):
        self.spec("resources: {a: {type: random.id}}\noutputs: {id: '${a.hex}'}\n")
        self.apply()
        before = self.run_it("output", "id")
        moved = "moved: [{from: a, to: b}]\n"
        self.spec("resources: {b: {type: random.id}}\n" + moved)
        self.apply()
        self.spec("resources: {b: {type: random.id}, a: {type: random.id}}\n")
        self.apply()
        self.run_it("rollback", "1", "--auto-approve")
        self.assertEqual(self.run_it("output", "id"), before)
        self.assertEqual(self.addresses(), ["a"])

    @at_each_parallelism
    def test_create_before_destroy_that_is_not_needed(self):
        def spec(v, said="same"):
            self.spec("resources:\n"
                      f"  d: {{type: local.exec, create: 'echo {said}', environment: {{V: '{v}'}}}}\n"
                      "  r: {type: local.exec, create: echo make >>log, delete: echo drop >>log,\n"
                      "      triggers: '${d.outputs.stdout}',\n"
                      "      lifecycle: {create_before_destroy: true}}\n")
        spec(1)
        self.apply()
        self.log()
        spec(2)
        self.apply()
        self.assertEqual(self.log(), [])
        self.assert_settled()
        self.assertEqual(self.addresses(), ["d", "r"])
        spec(3, "other")
        self.apply()
        self.assertEqual(self.log(), ["make", "drop"])
        self.assert_settled()

    @at_each_parallelism
    def test_protected_unless_it_differs(self):
        def spec(v, said="same"):
            self.spec("resources:\n"
                      f"  d: {{type: local.exec, create: 'echo {said}', environment: {{V: '{v}'}}}}\n"
                      "  r: {type: local.value, input: 1, triggers: '${d.outputs.stdout}',\n"
                      "      lifecycle: {prevent_destroy: true}}\n")
        spec(1)
        self.apply()
        spec(2)
        self.apply()
        self.assert_settled()
        spec(3, "other")
        self.assertIn("prevent_destroy protects it", self.apply(code=65))

    @at_each_parallelism
    def test_a_begun_replacement_is_completed_or_goes_first(self):
        def spec(v, lifecycle):
            self.spec("resources:\n"
                      "  c: {type: local.exec, create: 'touch obj-$V; test ! -e fail', "
                      f"delete: 'rm -f obj-$V', environment: {{V: '{v}'}}, triggers: '{v}'{lifecycle}}}\n")
        first = ", lifecycle: {create_before_destroy: true}"
        for after in ("2", "3"):
            self.clear()
            spec(1, first)
            self.apply()
            self.write("fail", "")
            spec(2, first)
            self.apply(code=1)
            (self.path / "fail").unlink()
            spec(after, "")
            self.apply()
            self.assertEqual([p.name for p in self.path.glob("obj-*")], ["obj-" + after])
            self.assert_settled()

    @at_each_parallelism
    def test_a_command_under_another_name(self):
        body = ("{type: local.exec, create: 'mkdir obj; echo hi', read: 'test -d obj || exit 44; echo hi',"
                " delete: rmdir obj}\n")
        self.spec("resources:\n  a: " + body)
        self.apply()
        self.spec("resources:\n  b: " + body)
        self.apply()  # removed first, because it can be the same object, then created
        self.assertTrue((self.path / "obj").is_dir())
        self.assert_settled()

    @at_each_parallelism
    def test_a_value_as_a_trigger_of_what_the_state_holds(self):
        def spec(said):
            self.spec("resources:\n"
                      f"  d: {{type: local.exec, create: 'echo {said}'}}\n"
                      "  v: {type: local.value, input: '${d.outputs.stdout}'}\n"
                      "  r: {type: random.id, lifecycle: {replace_triggered_by: [v]}}\n"
                      "outputs: {id: '${r.hex}'}\n")
        spec("a")
        self.apply()
        before = self.run_it("output", "id")
        spec("b")
        self.apply()
        self.assertNotEqual(self.run_it("output", "id"), before)
        self.assert_settled()

    def test_a_directory_takes_nothing_along_that_stays(self):
        self.spec("resources:\n  d: {type: local.directory, path: d, force: true}\n"
                  "  f: {type: local.file, path: '${d.path}/f.txt', content: x}\n")
        self.apply()
        self.spec("resources:\n  f: {type: local.file, path: d/f.txt, content: x}\n")
        error = self.apply("--allow-data-loss", code=65)
        self.assertIn("the removal of d would delete f, which is kept", error)
        self.assertEqual(self.read("d/f.txt"), "x")

    @at_each_parallelism
    def test_force_counts_for_the_directory_that_it_replaces(self):
        for create_first in ("false", "true"):
            rest = f"lifecycle: {{create_before_destroy: {create_first}}}"
            self.spec(f"resources:\n  d: {{type: local.directory, path: one, {rest}}}\n")
            self.apply()
            self.write("one/by-hand.txt", "x")
            self.spec("resources:\n"
                      f"  d: {{type: local.directory, path: two, force: true, {rest}}}\n")
            self.assertIn("one and everything in it", self.run_it("plan"))
            self.apply("--allow-data-loss=d")
            self.assertFalse((self.path / "one").exists())
            self.assert_settled()
            self.spec("resources: {}\n")
            self.apply("--allow-data-loss")

    def test_the_state_is_no_file_of_a_resource(self):
        for path in (".hadeploy/state.db", "x/../.hadeploy/keys/id"):
            self.spec(f"resources: {{f: {{type: local.file, path: {path}, content: x}}}}\n")
            self.assertIn("in which hadeploy keeps its own files", self.run_it("plan", code=65))
        self.spec("resources: {d: {type: local.directory, path: .hadeploy, force: true}}\n")
        self.assertIn("in which hadeploy keeps its own files", self.run_it("plan", code=65))

    def test_an_entry_of_removed_that_names_nothing(self):
        self.spec("resources: {a: {type: local.file, path: a.txt, content: x}}\n")
        self.apply()
        self.spec("removed: [aa]\n")
        self.assertIn("removed: aa matches nothing in the state", self.run_it("plan"))

    def test_options_that_slip(self):
        self.spec("resources: {d: {type: local.directory, path: d, force: true}}\n")
        self.apply()
        self.spec("resources: {}\n")
        self.assertIn("missing address", self.apply("--allow-data-loss=", code=64))
        self.assertTrue((self.path / "d").is_dir())
        spec = self.read("hadeploy.yaml")
        self.assertIn("this file is not a saved plan",
                      self.run_it("plan", "--out", "hadeploy.yaml", code=64))
        self.assertEqual(self.read("hadeploy.yaml"), spec)
        self.run_it("plan", "--out", "p")
        self.run_it("plan", "--out", "p")


if __name__ == "__main__":
    unittest.main()
