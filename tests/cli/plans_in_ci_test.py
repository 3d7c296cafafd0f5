#!/usr/bin/env python3
"""Plans that one machine makes and another applies: the commands of docs/plans-in-ci.md and of the workflows in
examples/ci as they are there, and plans that are refused. The state is in a real PostgreSQL. gh, curl and the actions
that carry files are replaced: what they are given is checked.

usage: plans_in_ci_test.py HADEPLOY [unittest options]
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

import yaml

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "state"), str(ROOT / "tests" / "cli")]
import skips  # noqa: E402
from document import blocks  # noqa: E402
from postgres_server import Missing, Server  # noqa: E402

DOCUMENT = ROOT / "docs" / "plans-in-ci.md"
PLAN_JSON = (ROOT / "docs" / "reference.md").read_text().split("\n## Plan JSON\n")[1].split("\n## ")[0]
GITHUB = ROOT / "examples" / "ci" / "github"
GITLAB = ROOT / "examples" / "ci" / "gitlab" / ".gitlab-ci.yml"
KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="
SECRET = "canary-token-77"
# The object is outside of the project, like one on another machine.
SPEC = """name: shop
variables:
  place: {type: string}
  token: {type: string, secret: true}
resources:
  word: {type: random.password, length: 20}
  words: {type: local.value, input: "${file('words')}"}
  server:
    type: local.exec
    environment: {WORD: "${word.result}", TOKEN: "${var.token}", PLACE: "${var.place}", TEXT: "${module.text.greeting}"}
    create: 'printf "%s" "$TEXT" >"$PLACE/server"; echo made >>"$PLACE/log"'
    update: 'printf "%s" "$TEXT" >"$PLACE/server"; echo changed >>"$PLACE/log"'
    read: '[ -e "$PLACE/server" ] || exit 44'
    delete: rm -f "$PLACE/server"
modules: {text: {source: text}}
outputs: {words: "${words.output}"}
"""
MODULE = "outputs: {greeting: hello}\n"
# The secrets, tokens and events that workflows refer to.
GIVEN = {"secrets.HADEPLOY_STATE_KEY": KEY, "secrets.HADEPLOY_STATE_PASSWORD": "",
         "github.token": "gh-token", "github.event.pull_request.number": "7"}
PULLS, RUNS = '[{"head": {"sha": "abc123"}}]', '[{"databaseId": 42}]'
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
case "$*" in
  "api repos/shop/infra/commits/"*"/pulls --jq "*) printf '%s' "$PULLS" | jq -r "$4" ;;
  "run list "*"--workflow plan.yml "*"--commit abc123 "*) eval "last=\\${$#}"; printf '%s' "$RUNS" | jq -r "$last" ;;
  "run download 42 "*"--name hadeploy-plan") cp "$ARTIFACTS"/* . ;;
  "pr comment 7 --repo shop/infra --edit-last --create-if-none --body-file comment.md") cp comment.md "$ARTIFACTS"/posted ;;
  *"/merge_requests") printf '[{"iid": 7}]' ;;
  *"--data-urlencode body@comment.md"*"/merge_requests/7/notes") cp comment.md "$ARTIFACTS"/posted ;;
  *"refs%2Fmerge-requests%2F7%2Fhead/raw/plan.hadeploy?job=plan") cp "$ARTIFACTS"/plan.hadeploy . ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
"""


class Machine:
    """A checkout of the project on a machine of its own."""

    def __init__(self, test, path, **environment):
        self.test, self.path = test, path
        self.environment = {"PATH": f"{test.bin}:{os.path.dirname(HADEPLOY)}:{os.environ['PATH']}",
                            "HOME": str(path.parent), "LC_ALL": "C.UTF-8", "HADEPLOY_VAR_place": str(test.place),
                            "HADEPLOY_VAR_token": SECRET, "CALLS": str(test.directory / "calls"),
                            "ARTIFACTS": str(test.artifacts), "PULLS": PULLS, "RUNS": RUNS, **environment}

    def sh(self, script, status=0, shell=("bash", "-e", "-c"), **environment):
        return self.call(*shell, script, status=status, **environment)

    def run(self, *words, status=0, **environment):
        return self.call(HADEPLOY, *words, status=status, **environment)

    def call(self, *words, status, **environment):
        done = subprocess.run(words, cwd=self.path, env=self.environment | environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        self.test.assertEqual(done.returncode, status, f"{words}: {done.stdout}")
        self.test.assertNotIn(SECRET, done.stdout)
        return done.stdout

    def write(self, name, text):
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_text(text)


class PlansInCiTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        try:
            cls.server = Server()
        except Missing as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.addClassCleanup(cls.server.close)
        cls.server.sql("CREATE ROLE reader LOGIN")

    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="hadeploy-plans-")
        self.addCleanup(made.cleanup)
        self.directory = pathlib.Path(made.name).resolve()
        self.bin, self.place, self.artifacts = (self.directory / name for name in ("bin", "place", "artifacts"))
        for directory in (self.bin, self.place, self.artifacts):
            directory.mkdir()
        for name in ("gh", "curl"):
            (self.bin / name).write_text(STUB)
            (self.bin / name).chmod(0o755)
        self.schema = self.id().rsplit(".", 1)[-1]
        self.ci = self.machine("runner/_work/infra/infra", user="reader")
        self.other = self.machine("builds/shop")

    def machine(self, name, user="hadeploy", schema=None):
        path = self.directory / name
        path.mkdir(parents=True)
        out = Machine(self, path, HADEPLOY_STATE=self.server.url(schema or self.schema, user=user),
                      HADEPLOY_STATE_KEY=KEY)
        out.write("hadeploy.yaml", SPEC)
        out.write("text/module.yaml", MODULE)
        out.write("words", "some words\n")
        return out

    def first_apply(self):
        """Somebody has applied the project before, and the role of the jobs that plan may read the state."""
        self.other.run("apply", "--auto-approve")
        self.server.sql(f"GRANT USAGE ON SCHEMA {self.schema} TO reader; "
                        f"GRANT SELECT ON ALL TABLES IN SCHEMA {self.schema} TO reader")
        shutil.rmtree(self.other.path / ".hadeploy", ignore_errors=True)

    def edit(self, greeting="good day", *machines):
        for machine in machines or (self.ci, self.other):
            machine.write("text/module.yaml", MODULE.replace("hello", greeting))

    def log(self):
        return (self.place / "log").read_text().split()

    def saved(self, *words):
        """Makes a plan in CI and brings it to the other machine."""
        self.ci.run("plan", "--out", "plan.hadeploy", *words)
        shutil.copy(self.ci.path / "plan.hadeploy", self.other.path)

    def refused(self, *says, code=1, machine=None, **environment):
        before = self.log()
        said = (machine or self.other).run("apply", "plan.hadeploy", status=code, **environment)
        for text in says:
            self.assertIn(text, said)
        self.assertEqual(self.log(), before)
        return said

    def test_the_document(self):
        self.first_apply()
        self.edit()
        scripts = {}
        for heading, text in blocks(DOCUMENT, "sh"):
            scripts.setdefault(heading, []).append(text)
        self.assertEqual({h: len(t) for h, t in scripts.items()}, {"Make, show, apply": 2, "Drift": 1})
        plan, apply = scripts["Make, show, apply"]
        self.ci.sh(plan)
        saved = (self.ci.path / "plan.hadeploy").read_bytes()
        self.assertEqual(stat.S_IMODE((self.ci.path / "plan.hadeploy").stat().st_mode), 0o600)
        comment = (self.ci.path / "comment.md").read_text()
        self.assertIn("**Plan: 1 to run again**", comment)
        self.assertIn(f"SHA-256 of the saved plan: {hashlib.sha256(saved).hexdigest()}\n", comment)
        for name in ("plan.hadeploy", "comment.md", "plan.json"):
            self.assertNotIn(SECRET, (self.ci.path / name).read_text())
        self.assertNotIn("good day", saved.decode())
        shutil.copy(self.ci.path / "plan.hadeploy", self.other.path)
        self.assertIn("Done", self.other.sh(apply))
        self.assertEqual((self.log(), (self.place / "server").read_text()), (["made", "changed"], "good day"))
        self.assertRegex(self.other.run("history", "show", "2"), r"(?m)^  plan     saved by \S+@\S+")
        first, second = (json.loads(line) for line in self.other.run("history", "--json").splitlines())
        self.assertEqual((set(second["planned"]), "planned" in first), ({"user", "host"}, False))
        self.ci.sh(scripts["Drift"][0].replace("drift.hadeploy", "none.hadeploy"))
        (self.place / "server").unlink()
        self.ci.sh(scripts["Drift"][0], 2)
        self.assertIn("changes outside hadeploy", self.ci.run("show", "--markdown", "drift.hadeploy"))
        yaml_blocks = [text for _, text in blocks(DOCUMENT, "yaml")]
        self.assertEqual(len(yaml_blocks), 1)
        for machine in (self.ci, self.other):
            machine.write("hadeploy.yaml", SPEC + yaml_blocks[0])
        self.assertIn("applies only saved plans", self.other.run("apply", "--auto-approve", status=64))
        self.saved()
        self.other.run("apply", "plan.hadeploy")
        self.assertTrue((self.place / "server").exists())

    def test_the_json_is_documented(self):
        self.first_apply()
        self.edit()
        self.other.write("words", "other words\n")
        self.other.run("plan", "--replace", "server", "--out", "plan.hadeploy")
        plan = json.loads(self.other.run("show", "--json", "plan.hadeploy"))
        rows = re.findall(r"(?m)^\| ((?:`\w+`(?:, )?)+) \|", PLAN_JSON)
        documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        self.assertLessEqual(set(plan), documented)
        golden = json.loads((ROOT / "tests" / "cli" / "golden" / "plan.json").read_text())
        for step in plan["steps"] + golden["steps"]:
            self.assertLessEqual(set(step), documented)
        self.assertEqual(set(plan["saved"]), {"project", "version", "created", "lineage", "serial", "origin"})
        self.assertEqual((plan["format_version"], plan["saved"]["project"]), (1, "shop"))
        self.assertNotIn("saved", json.loads(self.other.run("plan", "--json", "--progress", "quiet").splitlines()[-1]))

    def job(self, machine, job, artifacts, **environment):
        """Runs the steps of a job of GitHub Actions. Returns what they print."""
        said = ""
        given = lambda env: {name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda m: GIVEN[m[1]], value)  # noqa: E731
                             for name, value in env.items()}
        for step in job["steps"]:
            action = step.get("uses", "").split("@")[0]
            if action == "actions/upload-artifact":
                for name in step["with"]["path"].split():
                    shutil.copy(machine.path / name, artifacts)
            elif action == "actions/download-artifact":
                for file in artifacts.iterdir():
                    shutil.copy(file, machine.path)
            elif "run" in step:
                variables = given(job.get("env", {}) | step.get("env", {}))
                said += machine.sh(step["run"], environment.pop("status", 0), **(variables | environment))
            else:
                self.assertEqual(action, "actions/checkout")
        return said

    def test_the_workflows_for_github(self):
        self.first_apply()
        self.edit()
        workflow = {name: yaml.safe_load((GITHUB / f"{name}.yml").read_text())["jobs"] for name in
                    ("plan", "apply", "drift")}
        github = {"GITHUB_STEP_SUMMARY": str(self.directory / "summary"), "GITHUB_REPOSITORY": "shop/infra",
                  "GITHUB_SHA": "def456"}
        self.job(self.ci, workflow["plan"]["plan"], self.artifacts, **github)
        commenting = Machine(self, self.directory / "hosted")
        commenting.path.mkdir()
        self.job(commenting, workflow["plan"]["comment"], self.artifacts, **github)
        self.assertEqual((self.artifacts / "posted").read_text(), (self.directory / "summary").read_text())
        self.assertIn("**Plan: 1 to run again**", (self.artifacts / "posted").read_text())
        self.assertIn("unexpected", self.other.sh("gh pr merge", 9))
        self.job(self.other, workflow["apply"]["apply"], self.artifacts, **github)
        self.assertEqual(self.log(), ["made", "changed"])
        self.assertIn("no pull request", self.job(
            self.other, {"steps": workflow["apply"]["apply"]["steps"][:2]}, self.artifacts, **github, PULLS="[]", status=1))
        self.assertIn("No run of plan.yml", self.job(
            self.other, {"steps": workflow["apply"]["apply"]["steps"][:2]}, self.artifacts, **github, RUNS="[]", status=1))
        (self.directory / "summary").unlink()
        self.job(self.ci, workflow["drift"]["drift"], self.artifacts, **github)
        self.assertFalse((self.directory / "summary").exists())
        (self.place / "server").unlink()
        self.job(self.ci, workflow["drift"]["drift"], self.artifacts, **github, status=2)
        self.assertIn("server", (self.directory / "summary").read_text())

    def test_the_jobs_for_gitlab(self):
        self.first_apply()
        self.edit()
        jobs = yaml.safe_load(GITLAB.read_text())
        gitlab = {"CI_API_V4_URL": "https://gitlab.example.com/api/v4", "CI_PROJECT_ID": "3", "CI_COMMIT_SHA": "def456",
                  "CI_MERGE_REQUEST_IID": "7", "GITLAB_TOKEN": "gitlab-token"}

        def follow(machine, name, status=0):
            return machine.sh("\n".join(jobs[name]["script"]), status, ("bash", "-eo", "pipefail", "-c"), **gitlab)

        follow(self.ci, "plan")
        for name in jobs["plan"]["artifacts"]["paths"]:
            shutil.copy(self.ci.path / name, self.artifacts)
        commenting = Machine(self, self.directory / "hosted")
        commenting.path.mkdir()
        shutil.copy(self.artifacts / "comment.md", commenting.path)
        follow(commenting, "comment")
        self.assertIn("**Plan: 1 to run again**", (self.artifacts / "posted").read_text())
        follow(self.other, "apply")
        self.assertEqual(self.log(), ["made", "changed"])
        calls = (self.directory / "calls").read_text()
        self.assertIn("https://gitlab.example.com/api/v4/projects/3/repository/commits/def456/merge_requests\n", calls)
        follow(self.ci, "drift")
        (self.place / "server").unlink()
        self.assertIn("server", follow(self.ci, "drift", 2))

    def test_what_differs_on_the_other_machine_is_refused(self):
        self.first_apply()
        self.edit()
        self.ci.sh("git init --quiet; git add .; git -c user.name=a -c user.email=a@example.org commit -qm first")
        self.saved()
        commit = self.ci.sh("git rev-parse HEAD").strip()
        plan = json.loads(self.ci.run("show", "--json", "plan.hadeploy"))
        self.assertEqual(plan["saved"]["origin"]["commit"], {"id": commit, "changed": False})
        self.assertIn(f"from commit {commit}", self.ci.run("show", "--markdown", "plan.hadeploy"))
        self.edit("good night", self.other)
        self.refused("made from a different spec: text/module.yaml differs", f"that of commit {commit[:12]},")
        self.edit("good day", self.other)
        self.other.write("words", "other words\n")
        self.refused("would not do the same here: output words, words would differ", "a local file")
        (self.other.path / "words").unlink()
        self.refused("words", code=65)
        self.other.write("words", "some words\n")
        self.refused("does not open the saved plan", HADEPLOY_STATE_KEY=KEY.replace("a2V5", "b2V5", 1))
        self.refused("permission denied", HADEPLOY_STATE=self.server.url(self.schema, user="reader"))
        staging = self.machine("staging", schema=self.schema + "_staging")
        staging.run("apply", "--auto-approve")
        shutil.copy(self.ci.path / "plan.hadeploy", staging.path)
        self.edit("good day", staging)
        said = self.refused("belongs to a different project or state", f"schema={self.schema}", machine=staging)
        self.assertIn(f"schema={self.schema}_staging", said)
        altered = bytearray((self.other.path / "plan.hadeploy").read_bytes())
        altered[-200] ^= 1
        (self.other.path / "altered").write_bytes(altered)
        self.assertIn("altered or truncated", self.other.run("apply", "altered", status=1))
        self.other.run("apply", "plan.hadeploy")
        self.assertEqual(self.log()[-1], "changed")
        self.refused("stale")

    def test_a_path_in_the_project(self):
        """As an output it is that of the machine that applies; in an attribute it has to be the reviewed one."""
        self.first_apply()
        for machine in (self.ci, self.other):
            machine.write("hadeploy.yaml", SPEC.replace("outputs: {", 'outputs: {here: "${path.root}/words", '))
        self.saved()
        self.other.run("apply", "plan.hadeploy")
        self.assertEqual(json.loads(self.other.run("output", "--json", "here")), f"{self.other.path}/words")
        for machine in (self.ci, self.other):
            machine.write("hadeploy.yaml", SPEC.replace("TEXT: ", 'FROM: "${path.root}", TEXT: '))
        self.saved()
        said = self.refused("server would differ", "a value contains that path")
        for machine in (self.ci, self.other):
            self.assertIn(str(machine.path), said)

    def test_a_file_in_the_project(self):
        """Its path is relative in the plan, also as it was read."""
        spec = SPEC.replace("resources:\n", "resources:\n  note: {type: local.file, path: note, content: old}\n")
        self.other.write("hadeploy.yaml", spec)
        self.first_apply()
        for machine in (self.ci, self.other):
            machine.write("hadeploy.yaml", spec.replace("old", "new"))
        self.ci.write("note", "old")
        self.saved()
        self.assertIn("1 to update", self.other.run("show", "plan.hadeploy"))
        self.other.run("apply", "plan.hadeploy")
        self.assertEqual([(m.path / "note").read_text() for m in (self.ci, self.other)], ["old", "new"])

    def test_a_secret_is_compared_and_not_shown(self):
        self.first_apply()
        spec = SPEC.replace("TEXT: ", "MORE: \"${sensitive(file('hidden'))}\", TEXT: ")
        for machine in (self.ci, self.other):
            machine.write("hadeploy.yaml", spec)
            machine.write("hidden", "canary-hidden-1")
        self.saved()
        self.assertNotIn("canary-hidden", self.ci.run("show", "plan.hadeploy"))
        self.other.write("hidden", "canary-hidden-2")
        self.assertNotIn("canary-hidden", self.refused("server would differ"))
        self.other.write("hidden", "canary-hidden-1")
        self.other.run("apply", "plan.hadeploy")

    def test_the_values_of_the_plan_count(self):
        """Not the variables of the machine that applies, and not its working directory."""
        self.first_apply()
        self.ci.environment["HADEPLOY_VAR_token"] = "canary-other-88"
        self.saved()
        deep = self.other.path / "deep"
        deep.mkdir()
        self.other.path, project = deep, self.other.path
        self.other.run("--chdir", "..", "apply", "../plan.hadeploy")
        self.other.path = project
        self.assertEqual(self.log(), ["made", "changed"])
        self.assertIn("Nothing to change", self.ci.run("plan"))
        self.assertIn("1 to run again", self.other.run("plan"))


if __name__ == "__main__":
    skips.main()
