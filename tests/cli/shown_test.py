#!/usr/bin/env python3
"""The text of plans and reports: each change once, identical changes folded, removed objects with type,
place and name.

usage: shown_test.py HADEPLOY [unittest options]
"""
import collections
import json
import re
import unittest

from local_project import Project
from terminal import Terminal
import local_project


def lines_of(text):
    return [line for line in text.splitlines() if line.strip()]


class ShownTest(Project):
    def setUp(self):
        super().setUp()
        for name in ("w", "k", "o", "out"):
            (self.path / name).mkdir()

    def plan(self, *words):
        return self.run_it("plan", *words)

    def assert_once(self, text, names):
        """Each name is in one line."""
        found = collections.Counter(name for name in names for line in text.splitlines()
                                    if re.search(rf"(^|[\s,\[]){re.escape(name)}($|[\s,:\]])", line))
        self.assertEqual(dict(found), {name: 1 for name in names}, text)

    def test_what_goes_is_shown_with_its_type_and_place(self):
        self.spec("""
resources:
  notes: {type: local.file, path: out/notes.txt, content: "x\\n"}
  id: {type: random.id, bytes: 4}
  box: {type: local.directory, path: box}
""")
        self.apply()
        for words in (("destroy", "--auto-approve", "--allow-data-loss"), ("plan", "--destroy")):
            if words[0] == "plan":
                self.apply()
            shown = self.run_it(*words)
            self.assertRegex(shown, r"  - notes +local\.file +remove\n +.*path: .*/out/notes\.txt")
            self.assertRegex(shown, r"  - box +local\.directory +remove\n +.*path: .*/box")
            self.assertRegex(shown, r"  - id +random\.id +remove\n")
        self.spec("resources: {}\n")
        shown = self.plan()
        self.assertRegex(shown, r"  - notes +local\.file +remove: the spec no longer has it\n"
                                r" +.*path: .*/out/notes\.txt")
        self.assertNotIn("out/notes.txt\"", self.plan("--summary"))

    def test_the_same_of_fifty_instances_is_one_block(self):
        self.spec("""
resources:
  web: {type: local.file, count: 50, path: "w/web-${count.index}", content: "n ${count.index}\\n"}
  key: {type: local.file, for_each: [ber, ham, muc, str], path: "k/${each.key}.txt", content: "x\\n"}
  own: {type: local.file, path: own, content: "x\\n"}
""")
        shown = self.plan()
        self.assertIn("  + web[0..49]  local.file  create, 50 instances\n", shown)
        self.assertRegex(shown, r"\n      path: .*/w/web-\{0\.\.49\}\n")
        self.assertIn('  + key["ber", "ham", "muc", "str"]  local.file  create, 4 instances\n', shown)
        self.assertRegex(shown, r"\n      path: .*/k/\{key\}\.txt\n")
        self.assertLess(len(lines_of(shown)), 20, shown)
        self.assertIn("Plan: 55 to create", shown)
        every = self.plan("--unfold")
        self.assertIn("  + web[7]  local.file  create\n", every)
        self.assert_once(every, ["web[7]", "web[49]", 'key["muc"]'])
        report = self.apply()
        self.assertRegex(report, r"  \+ web\[0\.\.49\] +created +50 instances, at most \d")
        self.assertRegex(report, r"55 created\.")
        # one that differs is not folded with the others
        (self.path / "w/web-7").write_text("otherwise\n")
        self.assertRegex(self.plan(), r"  ~ web\[7\]  local\.file  update: something else changed it\n")
        self.spec("resources: {}\n")
        gone = self.plan()
        self.assertRegex(gone, r"  - web\[0\.\.49\] +local\.file +remove, 50 instances: the spec no "
                               r"longer has it\n +.*path: .*/w/web-\{0\.\.49\}")
        self.assertLess(len(lines_of(gone)), 12, gone)

    def three_hundred(self):
        one_by_one = "".join(f'  own{n}: {{type: local.file, path: o/own{n}, content: "{n * n}\\n"}}\n'
                             for n in range(120))
        blocks = "".join(f'  block{n}: {{type: local.value, count: {n % 3 + 4}, input: "${{count.index * {n}}}"}}\n'
                         for n in range(36))
        self.spec(f"resources:\n{one_by_one}{blocks}")

    def test_a_summary_of_300_changes_fits_a_screen(self):
        self.three_hundred()
        summary = self.plan("--summary")
        self.assertLessEqual(len(summary.splitlines()), 24, summary)
        self.assertIn("Plan: 300 to create", summary)
        numbers = [int(n) for n in re.findall(r"(\d+) to create", summary.rpartition("Plan:")[0])]
        self.assertEqual(sum(numbers), 300, summary)
        report = self.apply("--summary", "--progress", "quiet")
        self.assertLessEqual(len(report.splitlines()), 48, report)  # including the plan
        # each once in full, and a summary that fits one screen at the end
        self.spec("resources: {}\n")
        shown = self.plan()
        self.assert_once(shown, [f"own{n}" for n in range(120)])
        end = [line for line in shown.splitlines() if not line.startswith("[")][-24:]
        self.assertIn("Plan: 300 to remove", end[-1])
        self.assertTrue(any(re.search(r"local\.file +120 to remove", line) for line in end), end)

    def test_nothing_of_a_short_plan_is_listed_twice(self):
        self.spec("""
resources:
  stays: {type: local.file, path: stays, content: "1\\n"}
  changes: {type: local.file, path: changes, content: "1\\n"}
  moves: {type: local.file, path: moves, content: "1\\n"}
  goes: {type: local.file, path: goes, content: "1\\n"}
""")
        self.apply()
        self.spec("""
resources:
  stays: {type: local.file, path: stays, content: "1\\n"}
  changes: {type: local.file, path: changes, content: "2\\n"}
  moves: {type: local.file, path: moves2, content: "1\\n"}
  comes: {type: local.file, path: comes, content: "1\\n"}
""")
        shown = self.plan()
        self.assert_once(shown, ["changes", "goes", "comes"])
        self.assertNotIn("stays", shown)

    def test_on_a_terminal_what_was_said_is_not_said_again(self):
        self.spec("""
resources:
  first: {type: local.file, path: first, content: "1\\n"}
  second: {type: local.file, path: second, content: "1\\n"}
""")
        run = Terminal([local_project.HADEPLOY, "apply", "--auto-approve"],
                       {"PATH": "/usr/bin:/bin", "HOME": str(self.path), "TERM": "xterm"}, self.path)
        self.addCleanup(run.kill)
        self.assertEqual(run.end(), 0, run.screen())
        done = run.screen().partition("Plan: 2 to create")[2]
        self.assert_once(done, ["first", "second"])
        self.assertIn("2 created.", done)

    def test_what_is_kept_is_not_said_to_be_forgotten(self):
        self.spec("""
resources:
  kept: {type: local.file, path: data, content: "1\\n", lifecycle: {keep_on_destroy: true}}
  rest: {type: local.file, path: rest, content: "1\\n"}
""")
        self.apply()
        said = self.run_it("destroy", "--auto-approve")
        self.assertIn("keep: keep_on_destroy: the object is kept", said)
        self.assertIn("Plan: 1 to remove, 1 to keep", said)
        self.assertRegex(said, r"kept +kept")
        self.assertRegex(said, r"Destroyed in .*: 1 removed, 1 kept\.")
        self.assertNotIn("forg", said)
        self.assertTrue(self.there("data"))

    def test_a_replacement_that_became_a_change_is_counted_as_one(self):
        spec = """
resources:
  source: {{type: local.exec, create: "echo {0} # {1}", returns: {{x: string}}}}
  file: {{type: local.file, path: "${{source.outputs.x}}.txt", content: "{1}\\n"}}
"""
        self.spec(spec.format("same", 1))
        self.apply()
        self.spec(spec.format("same", 2))
        shown = self.plan()
        self.assertIn("file  local.file  replace if it differs", shown)
        self.assertIn("Plan: 1 to run again, 1 to replace", shown)
        said = self.apply()
        self.assertRegex(said, r"file +changed")
        self.assertRegex(said, r"Done in .*: 2 changed\.")
        runs = [json.loads(line) for line in self.run_it("history", "--json").splitlines()]
        self.assertIn("2 changed", self.run_it("history"))
        self.assertEqual(len(runs), 2)

    def test_a_replacement_whose_removal_failed_is_told_once(self):
        spec = """
resources:
  d: {{type: local.directory, path: {0}}}
  f: {{type: local.file, path: {0}/f, content: x, depends_on: [d]}}
"""
        self.spec(spec.format("d"))
        self.apply()
        self.spec(spec.format("e"))
        (self.path / "d/other").touch()
        said = self.apply("--progress", "quiet", code=1)
        report = said.partition("Plan: 2 to replace\n")[2]
        self.assertEqual(report.count("error: "), 1, said)
        self.assertRegex(report, r"  - d +failed +\d")
        self.assertRegex(report, r"-/\+ f +skipped")
        self.assertEqual(len(re.findall(r"^ *\S+ d  ", report, re.M)), 1, said)
        self.assertIn("1 failed, 1 skipped.", report)

    def test_what_is_taken_over_is_said_to_be(self):
        (self.path / "there").write_text("by hand\n")
        self.spec("""
resources:
  there: {type: local.file, path: there, content: "ours\\n"}
""")
        shown = self.plan()
        self.assertIn("  ~ there  local.file  update: it exists, but is not recorded: it is "
                      "adopted\n", shown)
        self.apply()
        (self.path / "there").write_text("by hand\n")
        self.assertIn("update: something else changed it", self.plan())

    def test_what_was_begun_and_goes_is_not_completed(self):
        self.spec("""
resources:
  k: {type: local.exec, create: "exit 1", delete: "true"}
  m: {type: local.exec, create: "true"}
""")
        self.apply(code=1)
        self.spec("""
resources:
  m: {type: local.exec, create: "true"}
""")
        shown = self.plan()
        self.assertNotIn("completed first", shown)
        self.assertIn("Unfinished changes of an earlier run that the spec no longer contains; their "
                      "objects are removed:\n      create  k\n", shown)

    def test_what_an_exclusion_keeps_is_named(self):
        self.spec("""
resources:
  base: {type: local.directory, path: base}
  app: {type: local.file, path: base/app, content: "1\\n", depends_on: [base]}
  rest: {type: local.file, path: rest, content: "1\\n"}
""")
        self.apply()
        self.spec("resources: {}\n")
        shown = self.plan("--exclude", "app")
        self.assertIn("note: this plan is partial: everything except app and "
                      "dependents; also not removed, because excluded resources depend on it: "
                      "base\n", shown)
        self.assertIn("Plan: 1 to remove", shown)
        self.assertNotIn("not removed either", self.plan("--exclude", "rest"))

    def test_json_is_not_folded(self):
        self.spec("""
resources:
  web: {type: local.file, count: 5, path: "w/web-${count.index}", content: "x\\n"}
""")
        for words in ((), ("--summary",), ("--unfold",)):
            out = self.run_it("plan", "--json", *words).splitlines()[-1]
            steps = json.loads(out)["steps"]
            self.assertEqual([s["address"] for s in steps], [f"web[{n}]" for n in range(5)])


if __name__ == "__main__":
    unittest.main()
