#!/usr/bin/env python3
"""One apply has to converge, even if values are known only while it runs, and must not remove objects
that the spec still contains: directories with contents, rolling replacements, moves of parts.

usage: converge_test.py HADEPLOY [unittest options]
"""
import json
import os
import unittest

from local_project import Project, at_each_parallelism


# x can print another value after a change of `v`; the plan cannot know.
X = ("variables: {v: {default: a}, said: {default: same}}\n"
     "resources:\n"
     "  x: {type: local.exec, environment: {V: '${var.v}'}, create: 'echo ${var.said}'}\n")


class ConvergeTest(Project):
    def assert_settled(self, *words):
        self.run_it("plan", "--detailed-exitcode", *words)


class OptionTest(ConvergeTest):
    """Operational attributes can be known only in apply."""

    def test_the_script_that_removes(self):
        self.spec(X + "  d: {type: local.exec, create: 'touch obj',"
                      " delete: 'echo ${x.outputs.stdout} >> log; rm obj'}\n")
        self.apply()
        self.assertIn("d", self.run_it("plan", "--var=v=b"))
        self.apply("--var=v=b")
        self.assert_settled("--var=v=b")
        self.assertNotIn("known after apply", self.run_it("state", "show", "d"))
        self.run_it("destroy", "--auto-approve", "--var=v=b")
        self.assertEqual((self.there("obj"), self.read("log")), (False, "same\n"))

    def test_an_output_of_it(self):
        self.spec(X + "  d: {type: local.directory, path: d, force: \"${x.outputs.stdout == 'same'}\"}\n"
                      "  e: {type: local.value, input: '${d.force}'}\n"
                      "outputs: {o: '${d.force}'}\n")
        self.apply()
        self.apply("--var=v=b")
        self.assertEqual(json.loads(self.run_it("output", "--json"))["o"], True)
        for resource in json.loads(self.run_it("state", "pull"))["resources"]:
            self.assertNotIn("$unknown", json.dumps(resource["attributes"]))
        self.assert_settled("--var=v=b")
        self.apply("--var=v=b", "--var=said=other")
        self.assertEqual(json.loads(self.run_it("output", "--json"))["o"], False)

    def test_a_rule_about_it(self):
        self.spec(X + "  d: {type: local.directory, path: d, force: \"${x.outputs.stdout == 'same'}\"}\n"
                      "  e: {type: local.value, input: 1, lifecycle:"
                      " {preconditions: [{check: '${d.force}', message: force must be on}]}}\n")
        self.apply()
        self.assertIn("force must be on", self.apply("--var=v=b", "--var=said=no", code=65))

    def test_whether_outputs_are_secret(self):
        self.spec(X + "  r: {type: local.exec, create: 'echo tok$((123455 + 1))',"
                      " secret_outputs: \"${x.outputs.stdout == 'same'}\"}\n"
                      "outputs: {o: {value: '${r.outputs.stdout}', secret: true}}\n")
        self.apply()
        self.assertNotIn("tok123456", self.apply("--var=v=b"))
        self.assertNotIn("tok123456", self.run_it("state", "pull"))


class OthersTest(ConvergeTest):
    """What another resource, or nobody, has recorded is not taken silently."""

    def test_a_stranger_at_the_new_place(self):
        self.spec("variables: {v: {default: a}}\n"
                  "resources: {f: {type: local.file, path: '${var.v}.txt', content: mine}}\n")
        self.apply()
        (self.path / "b.txt").write_text("precious")
        out = self.run_it("plan", "--var=v=b")
        self.assertIn("b.txt exists, but is not recorded: the replacement adopts it", out)
        self.assertNotIn("not recorded", self.run_it("plan", "--var=v=c"))
        (self.path / "d.txt").mkdir()
        self.assertIn("is not a regular file", self.apply("--var=v=d", code=1))
        self.assertEqual(self.read("a.txt"), "mine")

    @at_each_parallelism
    def test_a_name_that_turns_out_to_be_taken(self):
        base = "resources:\n  e: {type: local.exec, create: echo out}\n"
        for others in ("  a: {type: local.file, path: out, content: A}\n"
                       "  b: {type: local.file, path: '${e.outputs.stdout}', content: B}\n",
                       "  a:\n    type: local.file\n    for_each: [x, y]\n"
                       "    path: '${e.outputs.stdout}'\n    content: '${each.key}'\n"):
            self.clear()
            self.spec(base + others)
            error = self.apply(code=1)
            self.assertIn(str(self.path / "out") + ", which a", error)
            self.assertIn("1 failed", error)
            self.assertIn(self.read("out"), ("A", "x", "y"))

    def test_an_object_kept_by_ignore_changes(self):
        self.spec("resources: {a: {type: local.file, path: x, content: A}}\n")
        self.apply()
        self.spec("resources:\n  a: {type: local.file, path: y, content: A,"
                  " lifecycle: {ignore_changes: [path]}}\n"
                  "  b: {type: local.file, path: x, content: B}\n")
        self.assertIn("a and b both manage", self.run_it("plan", code=65))
        self.assertEqual(self.read("x"), "A")

    def test_the_spec_is_not_a_resource(self):
        self.spec("resources: {a: {type: local.file, path: sub/../hadeploy.yaml, content: x}}\n")
        self.assertIn("is the spec of this project", self.apply(code=65))
        self.assertIn("name: test", self.read("hadeploy.yaml"))

    def test_a_trigger_that_changed_without_its_resource(self):
        spec = ("resources:\n  u: {type: local.value, input: %d}\n"
                "  a: {type: random.id, bytes: 4, lifecycle: {replace_triggered_by: [u]}}\n"
                "outputs: {id: {value: '${a.hex}'}}\n")
        for number, part in enumerate(("--exclude=a", "--target=u")):
            self.spec(spec % (2 * number))
            self.apply()
            before = self.run_it("output", "--raw", "id")
            self.spec(spec % (2 * number + 1))
            self.assertIn("a is left out", self.apply(part))
            self.apply()
            self.assertNotEqual(self.run_it("output", "--raw", "id"), before)
            self.assert_settled()

    def test_a_condition_that_the_object_does_not_meet(self):
        self.spec("resources:\n  e:\n    type: local.exec\n    create: cat n\n    lifecycle:\n"
                  "      postconditions: [{check: '${self.outputs.stdout == \"1\"}',"
                  " message: 'n is ${self.outputs.stdout}'}]\n")
        self.write("n", "2")
        self.apply(code=1)
        self.write("n", "1")
        self.assertIn("if a new object would satisfy it, use --replace e", self.run_it("plan", code=65))
        self.apply("--replace=e")
        self.assert_settled()


class ContentsTest(ConvergeTest):
    """Removing a directory with its contents removes nothing that the spec still contains."""

    @at_each_parallelism
    def test_a_path_that_may_stay(self):
        base = X + "  s: {type: local.file, path: 'a/${x.outputs.stdout}', content: S%s}\n"
        self.spec(base % ", depends_on: [a]" + "  a: {type: local.directory, path: a, force: true}\n")
        self.apply()
        self.spec(base % "")
        for words in ([], ["--var=v=b"]):
            self.assertIn("the removal of a would delete s",
                          self.apply("--allow-data-loss=a", *words, code=65))
        self.assertEqual(self.read("a/same"), "S")

    @at_each_parallelism
    def test_a_path_that_turns_out_to_be_inside(self):
        self.spec("resources:\n  x: {type: local.exec, create: echo one}\n"
                  "  a: {type: local.directory, path: a, force: true}\n")
        self.apply()
        self.spec("resources:\n  x: {type: local.exec, create: echo a/sub}\n"
                  "  s: {type: local.directory, path: '${x.outputs.stdout}'}\n")
        self.assertIn("would also delete s", self.apply("--allow-data-loss=a", code=1))
        self.assertTrue(self.there("a/sub"))

    def test_one_spelling_of_a_path(self):
        for spelling in ("d/", "d/.", "./d/../d/"):
            self.clear()
            self.spec(f"resources:\n  a: {{type: local.directory, path: {spelling}, force: true}}\n"
                      "  b: {type: local.directory, path: d/data, force: true}\n")
            self.apply()
            (self.path / "d/data/p").write_text("p")
            self.spec("resources:\n  b: {type: local.directory, path: d/data, force: true}\n")
            self.assertIn("would delete b", self.apply("--allow-data-loss=a", code=65))
            self.spec("resources:\n  a: {type: local.directory, path: d}\n"
                      f"  b: {{type: local.directory, path: {spelling}}}\n")
            self.assertIn("a and b both manage", self.run_it("validate", code=65))

    def test_another_spelling_changes_nothing(self):
        self.spec("resources: {a: {type: local.directory, path: d}}\n")
        self.apply()
        self.spec("resources: {b: {type: local.directory, path: d/}}\n")
        self.assertIn("1 moved", self.apply())
        self.assertTrue(self.there("d"))

    def test_another_path_to_the_same_object(self):
        (self.path / "real").mkdir()
        (self.path / "link").symlink_to("real")
        spec = ("resources:\n  d: {{type: local.directory, path: {0}/d, force: true}}\n"
                "  f: {{type: local.file, path: {0}/f, content: f}}\n")
        self.spec(spec.format("real"))
        self.apply()
        (self.path / "real/d/data").write_text("data")
        self.spec(spec.format("link"))
        self.assert_settled()
        self.spec(spec.format("link").replace(" d:", " e:"))
        self.assertIn("1 moved", self.apply())
        self.assertEqual(self.read("real/d/data"), "data")

    @at_each_parallelism
    def test_contents_are_replaced_with_their_directory(self):
        self.spec("resources:\n  d: {type: local.directory, path: d, force: true}\n"
                  "  f: {type: local.file, path: '${d.path}/f', content: x}\n"
                  "  g: {type: local.file, path: '${d.path}/g', content: '${f.sha256}'}\n")
        self.apply()
        for words in (["--replace=d"], ["--replace=d", "--replace=f"]):
            self.apply("--allow-data-loss", *words)
            self.assertEqual(sorted(os.listdir(self.path / "d")), ["f", "g"])
            self.assert_settled()
        self.run_it("taint", "d")
        (self.path / "d/by-hand").write_text("x")
        self.apply("--allow-data-loss")
        self.assertEqual(sorted(os.listdir(self.path / "d")), ["f", "g"])
        self.assert_settled()

    @at_each_parallelism
    def test_a_directory_that_has_to_be_empty(self):
        self.spec("resources:\n  d: {type: local.directory, path: d}\n"
                  "  f: {type: local.file, path: '${d.path}/f', content: x}\n")
        self.apply()
        for part in ("--target=d", "--exclude=f"):
            error = self.run_it("plan", "--replace=d", part, code=65)
            self.assertIn("d cannot be removed: it contains f, which is kept", error)
            self.assertIn("include f in the run as well", error)
        self.apply("--replace=d")
        self.assert_settled()
        self.spec("resources:\n  f: {type: local.file, path: 'd/f', content: x}\n")
        error = self.run_it("plan", code=65)
        self.assertIn("d cannot be removed: it contains f, which is kept", error)
        self.assertIn("set `keep: true`", error)
        self.assertEqual(self.read("d/f"), "x")

    @at_each_parallelism
    def test_contents_are_removed_before_their_directory(self):
        for directory, file in (("a", "b"), ("b", "a")):
            (self.path / "d").mkdir()
            self.spec(f"resources:\n  {directory}: {{type: local.directory, path: d}}\n"
                      f"  {file}: {{type: local.file, path: d/f, content: x}}\n")
            self.apply()
            self.run_it("destroy", "--auto-approve")
            self.assertFalse(self.there("d"))

    def test_contents_for_which_the_new_directory_has_no_room(self):
        spec = ("variables: {v: {default: one}}\nresources:\n"
                "  d: {type: local.directory, path: 'dir-${var.v}', force: true}\n"
                "  f: {type: local.file, path: dir-one/f, content: x, depends_on: [d]}\n")
        self.spec(spec)
        self.apply()
        error = self.run_it("plan", "--var=v=two", code=65)
        self.assertIn("the removal of d would delete f, which is kept", error)

    @at_each_parallelism
    def test_a_tree_of_literal_paths_is_created_from_its_root(self):
        self.spec("variables: {v: {default: one}}\nresources:\n"
                  "  f: {type: local.file, path: '${var.v}/sub/f', content: x}\n"
                  "  g: {type: local.directory, path: '${var.v}/sub'}\n"
                  "  h: {type: local.directory, path: '${var.v}'}\n")
        for value in ("one", "two", "three"):
            self.apply("--var=v=" + value)
            self.assertEqual(sorted(os.listdir(self.path)), [".hadeploy", "hadeploy.yaml", value])
            self.assertIn("Nothing to change", self.run_it("plan", "--var=v=" + value))

    def test_what_is_kept_by_its_own_option(self):
        self.spec("resources:\n  a: {type: local.directory, path: a, force: true}\n"
                  "  s: {type: local.directory, path: '${a.path}/sub', keep: true}\n")
        self.apply()
        (self.path / "a/sub/x").write_text("x")
        error = self.run_it("destroy", "--auto-approve", "--allow-data-loss", code=65)
        self.assertIn("the removal of a would delete s, which is kept", error)
        self.spec("resources: {}\n")
        self.assertIn("which is kept", self.apply("--allow-data-loss", code=65))
        self.assertTrue(self.there("a/sub/x"))

    def test_the_project_itself(self):
        for path in (".", ".."):
            self.spec(f"resources: {{c: {{type: local.directory, path: {path}, force: true}}}}\n")
            self.assertIn("contains hadeploy's own files", self.run_it("plan", code=65))


class CommandTest(ConvergeTest):
    def test_the_old_object_of_a_replacement_is_read_with_its_own_settings(self):
        self.spec("variables: {n: {default: www}}\nresources:\n"
                  "  record: {type: local.exec, environment: {NAME: '${var.n}'},"
                  " triggers: '${var.n}', create: 'touch \"o-$NAME\"',"
                  " read: 'test -e \"o-$NAME\" || exit 44', delete: 'rm \"o-$NAME\"'}\n")
        self.apply()
        self.apply("--var=n=web")
        self.assertEqual((self.there("o-www"), self.there("o-web")), (False, True))
        self.assert_settled("--var=n=web")
        self.run_it("destroy", "--auto-approve", "--var=n=web")
        self.assertFalse(self.there("o-web"))

    def test_outputs_are_what_is_read(self):
        self.spec("resources:\n  d: {type: local.exec, create: 'echo id1 > obj; echo created',"
                  " read: 'cat obj 2>/dev/null || exit 44', delete: 'rm obj'}\n"
                  "  e: {type: local.file, path: f, content: '${d.outputs.stdout}'}\n")
        self.apply()
        self.assertEqual(self.read("f"), "id1")
        self.assert_settled()


class OldValueTest(ConvergeTest):
    """An error caused by a value that is about to change is not reported."""

    def test_what_a_command_printed_before(self):
        self.spec("resources:\n  x: {type: local.exec, create: echo hello}\n")
        self.apply()
        self.spec("resources:\n  x: {type: local.exec, create: \"echo '{\\\"port\\\": 80}'\"}\n"
                  "  f: {type: local.file, path: f, content: '${jsondecode(x.outputs.stdout).port}'}\n"
                  "outputs: {p: '${jsondecode(x.outputs.stdout).port}'}\n")
        self.apply()
        self.assertEqual(self.read("f"), "80")
        self.assert_settled()

    def test_a_bad_value_is_taken_back(self):
        self.spec("variables: {v: {type: string, default: '0640'}}\nresources:\n"
                  "  x: {type: local.exec, environment: {V: '${var.v}'}, create: echo $V}\n"
                  "  f: {type: local.file, path: f, content: y, mode: '${x.outputs.stdout}'}\n"
                  "  e: {type: local.value, input: 1, lifecycle: {preconditions:"
                  " [{check: \"${x.outputs.stdout != '0600'}\", message: no}]}}\n")
        self.apply()
        for bad in ("bad", "0600"):
            self.apply("--var=v=" + bad, code=65)
            self.run_it("plan", f"--var=v={bad}", code=65)  # no change is planned
            self.apply()
            self.assert_settled()

    def test_a_file_with_drift_that_is_read(self):
        self.spec("resources:\n  x: {type: local.file, path: x, content: '{\"a\": 1}'}\n"
                  "  y: {type: local.value, input: '${jsondecode(data.d.content).a}'}\n"
                  "data: {d: {type: local.file_content, path: '${x.path}'}}\n")
        self.apply()
        (self.path / "x").write_text("garbage")
        self.apply()
        self.assertEqual(self.read("x"), '{"a": 1}')
        self.assert_settled()

    def test_names_that_swap_while_one_is_computed(self):
        def spec(first, said, second):
            self.spec("resources:\n"
                      f"  x: {{type: local.exec, create: echo {said}}}\n"
                      f"  d: {{type: local.file, path: '{first}-${{x.outputs.stdout}}', content: d}}\n"
                      f"  e: {{type: local.file, path: {second}, content: e}}\n")
        spec("d", "a", "e")
        self.apply()
        spec("d", "b", "d-a")
        self.apply(code=0)
        self.assert_settled()
        self.assertEqual((self.read("d-a"), self.read("d-b")), ("e", "d"))


class OrderTest(ConvergeTest):
    @at_each_parallelism
    def test_a_replacement_that_becomes_an_update_below_another(self):
        self.spec("variables: {v: {default: one}}\nresources:\n"
                  "  a: {type: local.exec, environment: {V: '${var.v}'}, create: echo same}\n"
                  "  b: {type: local.exec, triggers: '${a.outputs.stdout}',"
                  " environment: {V: '${var.v}'}, create: echo $V}\n"
                  "  c: {type: local.exec, triggers: '${b.outputs.stdout}',"
                  " create: echo c >> log, delete: echo d >> log}\n")
        self.apply()
        self.apply("--var=v=two")
        self.assertEqual(self.read("log").split(), ["c", "d", "c"])
        self.assert_settled("--var=v=two")

    @at_each_parallelism
    def test_serial_replacements_go_one_by_one(self):
        self.spec("variables: {v: {default: one}}\nresources:\n"
                  "  n: {type: local.exec, for_each: [a, b, c], serial: true, triggers: '${var.v}',"
                  " environment: {K: '${each.key}', V: '${var.v}'},"
                  " create: 'test $K$V != btwo || exit 1; echo c$K >> log',"
                  " delete: 'echo d$K >> log'}\n")
        self.apply()
        os.remove(self.path / "log")
        self.apply("--var=v=three")
        self.assertEqual(self.read("log").split(), ["da", "ca", "db", "cb", "dc", "cc"])
        os.remove(self.path / "log")
        self.apply("--var=v=two", code=1)  # b cannot be created: c was not changed
        self.assertEqual(self.read("log").split(), ["da", "ca", "db"])
        self.assertIn('n["c"]', self.run_it("state", "list"))

    def test_a_move_of_a_part_counts_for_more_than_one_of_the_whole(self):
        (self.path / "m").mkdir()
        module = self.path / "m" / "module.yaml"
        for moves in (["{from: module.db, to: module.store}",
                       "{from: module.db.pw, to: module.store.pass}"],
                      ["{from: module.db.pw, to: module.store.pass}",
                       "{from: module.db, to: module.store}"]):
            module.write_text("resources: {pw: {type: random.password, length: 12}}\n"
                              "outputs: {p: {value: '${pw.result}', secret: true}}\n")
            user = "resources: {f: {type: local.file, path: f, content: '${module.%s.p}'}}\n"
            self.spec("modules: {db: {source: m}}\n" + user % "db")
            self.apply()
            before = self.read("f")
            module.write_text("resources: {pass: {type: random.password, length: 12}}\n"
                              "outputs: {p: {value: '${pass.result}', secret: true}}\n")
            self.spec(f"modules: {{store: {{source: m}}}}\nmoved: [{', '.join(moves)}]\n"
                      + user % "store")
            self.apply()
            self.assertEqual(self.run_it("state", "list").split(), ["f", "module.store.pass"])
            self.assertEqual(self.read("f"), before)
            self.run_it("destroy", "--auto-approve")


if __name__ == "__main__":
    unittest.main()
