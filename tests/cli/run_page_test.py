#!/usr/bin/env python3
"""The page of a run: `apply --html`, `destroy --html` and `rollback --html`.

usage: run_page_test.py HADEPLOY [unittest options]
"""
import re
import unittest

from command_case import Case
from page_reader import Reader

SPEC = """name: shop
variables: {pw: {type: string, secret: true}}
resources:
  first: {type: local.exec, create: "sleep 0.4"}
  odd: {type: local.value, for_each: ["</script><b>", "日本語"], input: "%s", depends_on: [first]}
  second: {type: local.exec, environment: {PW: "${var.pw}"}, create: "echo \\"$PW\\" >&2; %s", depends_on: [first]}
  third: {type: local.value, input: 1, depends_on: [second]}
"""


class RunPageTest(Case):
    def setUp(self):
        super().setUp()
        self.environment["HADEPLOY_VAR_pw"] = "s3cret<&canary"
        self.page = self.path / "run.html"

    def read(self):
        page = Reader(self.page.read_text())
        self.assertEqual(page.open, [])
        return page

    def rows(self):
        return {re.split(r"</td>| <span", row)[0]: row for row in
                re.findall(r'<tr data-testid="step".*?<td>(.*?)</tr>', self.page.read_text())}

    def test_shows_when_each_step_ran_and_what_it_waited_for(self):
        self.spec(SPEC % ("a", "true"))
        self.out("apply", "--auto-approve", "--html", "run.html")
        page, rows = self.read(), self.rows()
        self.assertEqual(len(rows), 5)
        for text in ("hadeploy: shop", "Done", "5 created", 'odd["</script><b>"]', "Critical path"):
            self.assertIn(text, page.text)
        self.assertIn("critical path", rows["first"])
        self.assertRegex(rows["second"], r"s for first")  # the dependency
        self.assertEqual(re.findall(r'data-phase="(\w+)"', rows["first"])[-1], "changing")
        # the bar of the second step begins where that of the first one ends, or later
        bar = r'data-phase="changing" style="left:([\d.]+)%;width:([\d.]+)%'
        first = [float(n) for n in re.search(bar, rows["first"]).groups()]
        second = [float(n) for n in re.search(bar, rows["second"]).groups()]
        self.assertGreater(first[1], 0)
        self.assertGreaterEqual(second[0] + 0.02, first[0] + first[1])
        self.assertLessEqual(second[0] + second[1], 100.02)

    def test_loads_nothing_and_has_no_script(self):
        self.spec(SPEC % ("a", "true"))
        self.out("apply", "--auto-approve", "--html", "run.html")
        page = self.read()
        self.assertEqual((page.all("script"), len(page.all("main")), len(page.all("h1"))), ([], 1, 1))
        for tag, attributes in page.elements:
            self.assertNotIn(tag, ("img", "iframe", "b", "form"))
            self.assertRegex(attributes.get("href", "#"), r"^(#|data:,$)")
        policy = [m["content"] for m in page.all("meta") if "http-equiv" in m]
        self.assertTrue(policy[0].startswith("default-src 'none'"))

    def test_is_also_written_after_a_failure(self):
        self.spec(SPEC % ("a", "exit 3"))
        self.err("apply", "--auto-approve", "--html", "run.html", status=1)
        page = self.read()
        for text in ("Failed", "second: ", "third: skipped", "1 failed"):
            self.assertIn(text, page.text)
        self.assertNotIn("canary", self.page.read_text())
        self.assertIn('data-state="failed"', self.page.read_text())

    def test_destroy_rollback_and_a_saved_plan_write_it_too(self):
        self.spec(SPEC % ("a", "true"))
        self.out("plan", "--out", "saved")
        self.out("apply", "saved", "--auto-approve", "--html", "run.html")
        self.assertIn("5 created", self.read().text)
        self.out("apply", "--auto-approve", "--html", "run.html")
        self.assertIn("Nothing to change", self.read().text)
        self.spec(SPEC % ("b", "true"))
        self.apply()
        self.out("rollback", "--auto-approve", "--html", "run.html")
        self.assertIn("2 changed", self.read().text)
        self.out("destroy", "--auto-approve", "--html", "run.html")
        self.assertIn("removed", self.read().text)

    def test_does_not_replace_other_files_or_run_before_it_can_be_written(self):
        self.spec(SPEC % ("a", "true"))
        self.assertIn("hadeploy.yaml has other content", self.err("apply", "--auto-approve", "--html", "hadeploy.yaml"))
        self.assertIn("there is no directory", self.err("destroy", "--auto-approve", "--html", "no/run.html"))
        self.assertEqual(self.out("state", "list"), "")


if __name__ == "__main__":
    unittest.main()
