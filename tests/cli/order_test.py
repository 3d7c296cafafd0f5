#!/usr/bin/env python3
"""The order of replacements and removals.

usage: order_test.py HADEPLOY [unittest options]
"""
import unittest

from identity_project import IdentityProject
from local_project import at_each_parallelism


class OrderTest(IdentityProject):
    @at_each_parallelism
    def test_a_directory_and_what_is_in_it(self):
        spec = """variables: {{v: {{default: one}}}}
resources:
  d: {{type: local.directory, path: "dir-${{var.v}}"{}}}
  f: {{type: local.file, path: "${{d.path}}/f.txt", content: x}}
"""
        for lifecycle in ("", ", lifecycle: {create_before_destroy: true}"):
            self.spec(spec.format(lifecycle))
            self.apply()
            self.apply("--var", "v=two")
            self.assertEqual(sorted(str(p.relative_to(self.path))
                                    for p in self.path.glob("dir*/**")), ["dir-two"])
            self.assertEqual(self.read("dir-two/f.txt"), "x")
            self.assert_settled("--var", "v=two")
            self.spec("variables: {v: {default: one}}\n"
                      'resources: {d: {type: local.directory, path: "dir-${var.v}"}}\n')
            self.apply("--var", "v=three")  # the file is removed first
            self.assertEqual([p.name for p in self.path.glob("dir*")], ["dir-three"])
            self.assertEqual(self.files(), [])

    def command(self, name, rest):
        return (f'  {name}: {{type: local.exec, create: "echo c{name} >> log; {rest[0]}", '
                f'delete: "{rest[1]}echo d{name} >> log", {rest[2]}}}\n')

    @at_each_parallelism
    def test_what_stands_on_a_replacement_goes_before_it(self):
        head = "variables: {v: {default: one}}\nresources:\n"
        first = self.command("A", ("echo ${var.v}", "sleep 0.1; ", 'triggers: "${var.v}"'))
        both = (head + first + self.command("B", ("", "sleep 0.1; ", 'triggers: "${A.outputs.stdout}"'))
                + self.command("C", ("", "sleep 0.1; ", 'environment: {X: "${A.outputs.stdout}"}')))
        self.spec(both)
        self.apply()
        self.log()
        plan = self.plan("--var", "v=two")
        self.assertEqual([s["address"] for s in plan["steps"]], ["A", "B", "C"])
        self.assertEqual(plan["steps"][0]["removed_after_steps"], ["B"])
        self.assertNotIn("removed_after_steps", plan["steps"][1])
        self.assertIn("Order of the replacements: remove B, remove A, create A, create B.",
                      self.apply("--var", "v=two"))
        log = self.log()
        self.assertEqual(log[:3], ["dB", "dA", "cA"])
        self.assertEqual(sorted(log[3:]), ["cB", "cC"])
        self.assert_settled("--var", "v=two")
        self.spec(head + first)  # B and C are removed, A is replaced
        self.apply("--var", "v=three")
        log = self.log()
        self.assertEqual((sorted(log[:2]), log[2:]), (["dB", "dC"], ["dA", "cA"]))
        self.assert_settled("--var", "v=three")

    @at_each_parallelism
    def test_what_the_state_alone_knows_of_the_order(self):
        self.spec("resources:\n" + self.command("A", ("echo a1", "", "triggers: 1"))
                  + self.command("B", ("", "", 'triggers: "1${A.outputs.stdout}"')))
        self.apply()
        self.log()
        # B no longer refers to A, which is removed slowly
        self.spec("resources:\n" + self.command("A", ("echo a1", "", "triggers: 2"))
                  + self.command("B", ("", "sleep 0.5; ", "triggers: 2")))
        self.apply()
        log = self.log()
        self.assertLess(log.index("dB"), log.index("dA"))
        self.assertEqual(sorted(log), ["cA", "cB", "dA", "dB"])
        self.assert_settled()

    @at_each_parallelism
    def test_a_replacement_that_is_not_needed(self):
        spec = """variables: {v: {default: 1}}
resources:
  a: {type: local.exec, create: "echo ${var.same ? 's' : var.v}", update: "echo ${var.same ? 's' : var.v}", environment: {V: "${var.v}"}}
  u: {type: local.exec, create: "echo uc >> log", update: "echo uu >> log", environment: {A: "${a.outputs.stdout}"}}
  r: {type: local.exec, create: "echo rc >> log", delete: "echo rd >> log", triggers: "${a.outputs.stdout}"}
"""
        spec = spec.replace("{default: 1}}", "{default: 1}, same: {default: true}}")
        self.spec(spec)
        self.apply()
        self.log()
        planned = {s["address"]: s for s in self.plan("--var", "v=2")["steps"]}
        self.assertTrue(planned["r"]["if_differs"])
        text = self.apply("--var", "v=2")
        self.assertIn("r  local.exec  replace if it differs: ", text)
        self.assertIn("1 changed, 2 unchanged", text)
        self.assertEqual(self.log(), [])
        self.assert_settled("--var", "v=2")
        other = ("--var", "v=3", "--var", "same=false")
        self.apply(*other)
        log = self.log()
        self.assertEqual(sorted(log), ["rc", "rd", "uu"])
        self.assertLess(log.index("rd"), log.index("rc"))
        self.assert_settled(*other)

    @at_each_parallelism
    def test_data_behind_a_module_that_changes(self):
        self.write("copy/module.yaml", "variables: {v: {}}\n"
                   'resources: {r: {type: local.value, triggers: "${var.v}"}}\n')
        self.write("demo/module.yaml", 'data: {d: {type: local.command, run: "echo same"}}\n'
                   'resources: {sg: {type: local.value, triggers: "${data.d.outputs.stdout}"}}\n'
                   'outputs: {id: "${sg.id}"}\n')
        self.spec("""variables: {v: {default: 1}}
modules:
  copy: {source: copy, with: {v: "${var.v}"}}
  demo: {source: demo, depends_on: [module.copy]}
outputs: {id: "${module.demo.id}"}
""")
        self.apply()
        before = self.run_it("output", "--json")
        self.assertIn("1 replaced, 1 read, 1 unchanged", self.apply("--var", "v=2"))
        self.assertEqual(self.run_it("output", "--json"), before)
        self.assert_settled("--var", "v=2")

    @at_each_parallelism
    def test_data_of_what_a_resource_makes(self):
        spec = """variables: {c: {default: one}}
resources:
  f: {type: local.file, for_each: [a, b], path: "${each.key}.txt", content: "${var.c}"}
  v: {type: local.value, for_each: [a, b], input: "${data.d[each.key].content}"}
data:
  d: {type: local.file_content, for_each: [a, b], path: "${f[each.key].path}"}
outputs: {o: "${data.d[*].content}"}
"""
        two = ("--var", "c=two")
        self.spec(spec)
        self.apply()
        self.assert_settled()
        self.apply(*two)
        self.assertEqual(self.run_it("output"), "o = {a: two, b: two}\n")
        self.write("a.txt", "by hand")
        self.assertEqual([s["address"] for s in self.plan(*two)["steps"]],
                         ['f["a"]', 'data.d["a"]', 'v["a"]'])
        self.assertNotIn("by hand", self.apply(*two))
        self.assertEqual(self.run_it("output"), "o = {a: two, b: two}\n")
        self.assert_settled(*two)


if __name__ == "__main__":
    unittest.main()
