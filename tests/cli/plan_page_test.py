#!/usr/bin/env python3
"""The page of a plan: `plan --html` and `show --html`.

usage: plan_page_test.py HADEPLOY [unittest options]
"""
import json
import os
import subprocess
import unittest

from command_case import HADEPLOY, Case
from page_reader import Reader

SECRET = 's3cret<&"canary'
SPEC = """name: shop
variables: {pw: {type: string, secret: true}}
resources:
  base: {type: random.id}
  hostile: {type: local.value, for_each: ["</script><b>", "a'b", "日本語", "%s"], input: "${base.hex}"}
  conf: {type: local.file, path: out.conf, content: "pw=${var.pw}", mode: "0600"}
  port: {type: local.value, input: {port: %d, odd: "x\\u202E\\e</details>", long: "%s"}}
"""


def spec_of(port):
    return SPEC % ("z" * 60, port, "l" * 300)


class PlanPageTest(Case):
    def setUp(self):
        super().setUp()
        self.environment["HADEPLOY_VAR_pw"] = SECRET
        self.spec(spec_of(80))
        self.page = self.path / "plan.html"

    def read(self, name="plan.html"):
        return Reader((self.path / name).read_text())

    def test_shows_each_resource_with_its_changes(self):
        self.assertIn("Plan: 7 to create", self.out("plan", "--html", "plan.html"))
        page = self.read()
        self.assertEqual(page.open, [])
        self.assertEqual(len([item for item in page.all("li") if "data-box" in item]), 7)
        for text in ("hadeploy: plan of shop", "Plan: 7 to create", "+ create", "conf", 'hostile["</script><b>"]',
                     'hostile["日本語"]', "z" * 60, "l" * 100, "x\\u{202E}\\x1B</details>", "/out.conf\ncontent: (secret)"):
            self.assertIn(text, page.text)
        data = json.loads(page.scripts[0])
        self.assertEqual({node["state"] for node in data["nodes"]}, {"create"})
        self.assertEqual(len(data["edges"]), 4)
        self.apply()
        self.spec(spec_of(81))
        self.out("plan", "--html", "plan.html")
        page = self.read()
        for text in ("Plan: 1 to update", "port: 80 -> 81", "~ update", "unchanged"):
            self.assertIn(text, page.text)

    def test_loads_nothing_and_has_landmarks(self):
        self.out("plan", "--html", "plan.html")
        page = self.read()
        for tag, attributes in page.elements:
            self.assertNotIn(tag, ("img", "iframe", "object", "embed", "form", "b"))
            self.assertNotIn("src", attributes)
            self.assertRegex(attributes.get("href", "#"), r"^(#|data:,$)")
        self.assertNotRegex(self.page.read_text().replace("http://www.w3.org/2000/svg", ""), r"(?i)https?:|url\(h|@import")
        policy = [m["content"] for m in page.all("meta") if "http-equiv" in m]
        self.assertTrue(policy[0].startswith("default-src 'none'"))
        self.assertEqual((len(page.all("main")), len(page.all("h1")), len(page.all("h2"))), (1, 1, 2))

    def test_hides_secrets(self):
        for word in (SECRET, "create", "details"):
            with self.subTest(word):
                self.environment["HADEPLOY_VAR_pw"] = word
                self.out("plan", "--html", "plan.html")
                text = self.page.read_text()
                self.assertNotIn("canary", text)
                self.assertNotIn(f"pw={word}", text)
                # a secret that is also a word of HTML does not break the page
                self.assertEqual(self.read().open, [])
                self.assertTrue(self.read().all("details"))
        self.assertIn("(secret)", self.read().text)

    def test_a_saved_plan_has_the_same_page(self):
        self.out("plan", "--out", "saved", "--html", "plan.html")
        self.assertIn("Plan: 7", self.out("show", "saved", "--html", "shown.html"))
        self.assertEqual(self.page.read_text(), (self.path / "shown.html").read_text())
        json.loads(self.out("show", "saved", "--json", "--html", "shown.html"))
        self.assertIn("###", self.out("show", "saved", "--markdown", "--html", "shown.html"))

    def test_works_with_json_and_destroy_and_without_changes(self):
        json.loads(self.out("plan", "--json", "--html", "plan.html").splitlines()[-1])
        self.apply()
        for _ in range(2):  # the second plan could take the fast path
            self.out("plan", "--html", "plan.html")
            self.assertIn("Nothing to change", self.read().text)
        self.out("plan", "--destroy", "--html", "plan.html")
        self.assertIn("hadeploy: removal of shop", self.read().text)
        self.assertIn("- remove", self.read().text)
        (self.path / "hadeploy.yaml").unlink()
        self.page.unlink()
        self.out("plan", "--destroy", "--html", "plan.html")
        self.assertIn("- remove", self.read().text)

    def test_replaces_the_file_and_refuses_what_is_no_file(self):
        self.page.write_text("<!doctype html>old")
        before = self.page.stat().st_ino
        self.spec("name: shop\nresources: {a: {type: nothing}}\n")
        self.err("plan", "--html", "plan.html", status=65)
        self.assertEqual(self.page.read_text(), "<!doctype html>old")
        self.spec(spec_of(80))
        self.out("plan", "--html", "plan.html")
        self.assertNotEqual(self.page.stat().st_ino, before)
        self.assertEqual([p.name for p in self.path.iterdir() if p.name.startswith(".plan")], [])
        self.assertIn(". is a directory", self.err("plan", "--html", "."))
        self.assertIn("no/p.html: there is no directory no", self.err("plan", "--html", "no/p.html"))
        os.mkfifo(self.path / "pipe")
        self.assertIn("pipe is not a regular file", self.err("plan", "--html", "pipe"))
        spec = (self.path / "hadeploy.yaml").read_text()
        self.assertIn("hadeploy.yaml has other content", self.err("plan", "--html", "hadeploy.yaml"))
        self.assertEqual((self.path / "hadeploy.yaml").read_text(), spec)
        (self.path / "empty.html").touch()
        self.out("plan", "--html", "empty.html")
        self.assertIn("--html requires PLAN", self.err("show", "--html", "plan.html"))

    def test_refuses_a_directory_without_permission(self):
        (self.path / "closed").mkdir(mode=0o500)
        # root can write everywhere with this capability
        without = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
        done = subprocess.run([*without, HADEPLOY, "plan", "--html", "closed/p.html"], cwd=self.path,
                              env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn("closed/p.html cannot be written: Permission denied", done.stderr)

    def test_a_thousand_resources_are_a_small_file(self):
        self.spec("name: shop\nresources:\n  many: {type: local.value, count: 1000, input: \"${count.index}\"}\n")
        self.out("plan", "--html", "plan.html")
        self.assertEqual(len([item for item in self.read().all("li") if "data-box" in item]), 1000)
        self.assertLess(self.page.stat().st_size, 2_000_000)


if __name__ == "__main__":
    unittest.main()
