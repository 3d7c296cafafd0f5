#!/usr/bin/env python3
"""The commands as users run them, on a project of key files; needs only this machine.

usage: commands_test.py HADEPLOY [unittest options]
"""
import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
import unittest

from command_case import HADEPLOY, SPEC, Case
from terminal import talk


class PlanTest(Case):
    def test_target(self):
        text = self.out("plan", "--target", "second")
        self.assertIn("+ first  ssh.key  create", text)
        self.assertIn("+ second  ssh.key  create", text)
        self.assertNotIn("many", text)
        self.assertIn("note: this plan is partial: only second and dependencies", text)
        self.assertTrue(text.endswith("Plan: 2 to create\n"), text)
        self.apply("--target", "first", "--target", 'many["x"]')
        self.assertEqual(self.addresses(), ["first", 'many["x"]'])
        self.assertIn("did you mean many?", self.err("plan", "--target", "mani"))
        self.assertIn("state list", self.err("plan", "--target", "nothing-like-it"))
        self.apply()
        self.out("destroy", "--auto-approve", "--target", "first")
        self.assertEqual(self.addresses(), ['many["x"]', 'many["y"]'])
        self.assertFalse(self.key("second").exists())
        self.out("apply", "--destroy", "--auto-approve")
        self.assertEqual(self.addresses(), [])

    def test_replace(self):
        self.apply()
        before = self.key("first").read_text()
        text = self.out("plan", "--replace", "first")
        self.assertIn("-/+ first  ssh.key  replace: requested with --replace", text)
        self.apply("--replace", "first")
        self.assertNotEqual(self.key("first").read_text(), before)
        self.assertIn("there are: 'many[\"x\"]', 'many[\"y\"]'",
                      self.err("plan", "--replace", 'many["z"]'))
        self.assertIn("--replace and --destroy cannot be combined", self.err("plan", "--destroy", "--replace", "first"))

    def test_refresh_only(self):
        self.apply()
        self.assertIn("Nothing to record: all objects match the state.",
                      self.out("plan", "--refresh-only"))
        os.remove(self.key("many-x"))
        serial = self.serial()
        text = self.out("plan", "--refresh-only", "--detailed-exitcode", status=2)
        self.assertIn('. many["x"]  ssh.key  forget: it is gone', text)
        self.apply("--refresh-only")
        self.assertEqual(self.addresses(), ["first", 'many["y"]', "second"])
        self.assertFalse(self.key("many-x").exists())
        self.assertGreater(self.serial(), serial)
        self.assertIn("1 to create", self.out("plan"))
        self.assertIn("--refresh-only", self.out("history"))
        self.assertIn("only a part", self.err("rollback", "2", "--auto-approve"))
        self.assertIn("cannot be combined with", self.err("plan", "--refresh-only", "--refresh=false"))

    def test_without_refresh(self):
        self.apply()
        os.remove(self.key("many-x"))
        self.assertIn("Nothing to change", self.out("plan", "--refresh=false"))
        self.assertIn("1 to create", self.out("plan"))

    def test_a_saved_plan_carries_its_options(self):
        self.out("plan", "--target", "second", "--out", "part")
        self.assertIn("this plan is partial", self.out("show", "part"))
        self.assertIn("a saved plan already contains these choices", self.err("apply", "part", "--target", "first"))
        self.out("apply", "part")
        self.assertEqual(self.addresses(), ["first", "second"])
        self.assertIn("stale", self.err("apply", "part", status=1))
        before = self.key("first").read_text()
        self.out("plan", "--replace", "first", "--out", "again")
        self.out("apply", "again")
        self.assertNotEqual(self.key("first").read_text(), before)
        os.remove(self.key("second"))
        self.out("plan", "--refresh-only", "--out", "seen")
        self.out("apply", "seen")
        self.assertEqual(self.addresses(), ["first", 'many["x"]', 'many["y"]'])
        self.out("plan", "--destroy", "--target", "first", "--out", "end")
        self.out("apply", "end")
        self.assertEqual(self.addresses(), ['many["x"]', 'many["y"]'])

    def test_a_saved_plan_keeps_its_time(self):
        self.spec('name: t\nresources: {v: {type: local.value, input: "${plantimestamp()}"}}\n'
                  'outputs: {v: "${v.output}", t: "${plantimestamp()}"}\n')
        shown = self.out("plan", "--out", "saved")
        time.sleep(1.1)
        self.out("apply", "saved")
        outputs = json.loads(self.out("output", "--json"))
        self.assertEqual(outputs["v"], outputs["t"])
        self.assertIn(outputs["t"], shown)
        self.assertRegex(self.out("plan"), r"v: 20\S+Z -> 20\S+Z")

    def test_why(self):
        self.assertIn("+ second  create: it is not in the state\n"
                      "      declared in hadeploy.yaml:5:3: second: {type: ssh.key",
                      self.out("why", "second"))
        self.assertIn("waits for first", self.out("why", "second"))
        self.apply()
        text = self.out("why", "second")
        self.assertIn("no changes: it matches the spec", text)
        self.assertIn("depends on first", text)
        self.spec(SPEC.replace("name: first}", "name: other}"))
        text = self.out("why", "first")
        self.assertIn("name: first -> other", text)
        self.assertIn("the spec has changed since the last apply", text)
        self.assertIn("set in hadeploy.yaml:4:", text)
        link = json.loads(self.out("why", "first", "--json").splitlines()[-1])
        self.assertEqual((link["action"], link["causes"][0]["origin"]), ("replace", "spec"))
        self.assertEqual(link["causes"][0]["place"]["line"], 4)
        self.assertIn("did you mean first?", self.err("why", "frist"))


    def test_rollback(self):
        self.apply()
        self.spec(SPEC.replace("for_each: [x, y]", "for_each: [x]"))
        self.apply()
        self.assertEqual(self.addresses(), ["first", 'many["x"]', "second"])
        self.assertFalse(self.key("many-y").exists())
        self.out("rollback", "1", "--auto-approve")
        self.assertEqual(self.addresses(), ["first", 'many["x"]', 'many["y"]', "second"])
        self.assertTrue(self.key("many-y").exists())
        self.assertIn("rollback 1", self.out("history"))
        self.assertIn("there is no run 9", self.err("rollback", "9", "--auto-approve"))

    def test_variables_from_the_nearest(self):
        (self.path / "a.yaml").write_text("word: file\n")
        (self.path / "b.yaml").write_text("word: later\n")
        said = lambda *words: self.out("console", "-e", "var.word", *words).strip().strip('"')
        self.assertEqual(said(), "hello")
        self.environment["HADEPLOY_VAR_word"] = "environment"
        self.environment["HADEPLOY_VAR_of_another_project"] = "x"
        self.assertEqual(said(), "environment")
        self.assertEqual(said("--var-file", "a.yaml"), "file")
        self.assertEqual(said("--var-file", "a.yaml", "--var-file", "b.yaml"), "later")
        self.assertEqual(said("--var", "word=flag", "--var-file", "a.yaml"), "flag")


class StateTest(Case):
    def setUp(self):
        super().setUp()
        self.apply()

    def test_it_is_shown_whatever_the_spec_says(self):
        self.spec("name: [")
        self.assertEqual(self.addresses(), ["first", 'many["x"]', 'many["y"]', "second"])
        self.assertIn("first (ssh.key)", self.out("state", "show", "first"))
        self.assertIn("second (ssh.key)", self.out("show"))
        self.assertEqual(self.out("output", "word"), "hello\n")
        self.assertEqual(self.out("output", "hidden"), "(secret)\n")
        shutil.rmtree(self.path / ".hadeploy")
        self.assertIn("this is not valid YAML", self.err("state", "list", status=65))

    def test_taint(self):
        before, serial = self.key("first").read_text(), self.serial()
        self.run_it("taint", "first")
        self.assertEqual(self.serial(), serial + 1)
        self.assertIn("first (ssh.key), tainted", self.out("state", "show", "first"))
        self.assertIn("replace: it is tainted", self.out("plan"))
        self.run_it("untaint", "first")
        self.assertIn("Nothing to change", self.out("plan"))
        self.run_it("taint", "first")
        self.apply()
        self.assertNotEqual(self.key("first").read_text(), before)
        self.assertIn("did you mean first?", self.err("taint", "fist"))
        self.assertIn("name a single resource, such as 'many[\"x\"]'", self.err("taint", "many"))

    def test_mv(self):
        serial = self.serial()
        self.assertIn("first moved to one", self.run_it("state", "mv", "first", "one").stderr)
        self.assertEqual(self.serial(), serial + 1)
        self.run_it("state", "mv", "many", "lots")
        self.assertEqual(self.addresses(), ['lots["x"]', 'lots["y"]', "one", "second"])
        show = json.loads(self.out("state", "show", "second", "--json"))
        self.assertEqual(show["depends_on"], ["one"])
        self.spec(SPEC.replace("first:", "one:").replace("[first]", "[one]")
                  .replace("first.", "one.").replace("many:", "lots:"))
        self.assertIn("Nothing to change", self.out("plan"))
        for words, message in ((["frist", "x"], "the state does not contain frist"),
                               (["one", "second"], "the state already contains second"),
                               (["one", "one"], "already has this address"),
                               (["one", "a b"], "a b is not an address"),
                               (["one", "module.m"], "a module can only be moved")):
            self.assertIn(message, self.err("state", "mv", *words))

    def test_mv_into_a_module(self):
        module = self.path / "m"
        module.mkdir()
        (module / "module.yaml").write_text(
            "resources:\n  one: {type: ssh.key, name: first}\n"
            "  lots: {type: ssh.key, for_each: [x, y], name: 'many-${each.key}'}\n")
        self.run_it("state", "mv", "first", "module.m.one")
        self.run_it("state", "mv", "many", "module.m.lots")
        self.spec("name: keys\nmodules: {m: {source: m}}\nresources:\n"
                  "  second: {type: ssh.key, name: second, depends_on: [module.m]}\n")
        self.assertIn("all resources match the spec", self.out("plan"))
        self.run_it("state", "mv", "module.m", "module.n")
        self.assertEqual(self.addresses(), ['module.n.lots["x"]', 'module.n.lots["y"]',
                                            "module.n.one", "second"])
        self.assertIn("did you mean module.n.one?", self.err("state", "mv", "module.n.on", "x"))

    def test_list(self):
        self.assertEqual(self.out("state", "list", "many"), 'many["x"]\nmany["y"]\n')
        self.assertEqual(self.out("state", "list", 'many["y"]', "first"), 'first\nmany["y"]\n')
        self.assertIn("did you mean many?", self.err("state", "list", "mani"))

    def test_after_two_dashes_no_word_is_an_option(self):
        self.assertEqual(self.out("state", "list", "many", "--", "first"), self.out("state", "list", "many", "first"))
        self.assertEqual(self.out("output", "--raw", "--", "word"), "hello")
        for command in (["state", "list"], ["state", "show"], ["state", "rm"], ["output"], ["taint"], ["why"]):
            self.assertIn("--json", self.err(*command, "--", "--json"))
        self.assertIn('there is no machine "-p"', self.err("ssh", "--", "-p", "22"))
        self.assertIn('there is no service "--follow"', self.err("logs", "--", "--follow"))

    def test_a_dry_run_only_says_it(self):
        serial = self.serial()
        self.assertIn("first would move to one",
                      self.run_it("state", "mv", "first", "one", "--dry-run").stderr)
        self.assertIn('Would be removed from the state: many["x"], many["y"].',
                      self.run_it("state", "rm", "many", "--dry-run").stderr)
        self.assertIn("did you mean first?", self.err("state", "mv", "fist", "x", "--dry-run"))
        self.assertEqual((self.serial(), len(self.addresses())), (serial, 4))

    def test_rm(self):
        self.run_it("state", "rm", "many", "second")
        self.assertEqual(self.addresses(), ["first"])
        self.assertTrue(self.key("many-x").exists())
        self.assertIn("did you mean first?", self.err("state", "rm", "fist"))
        self.assertEqual(self.addresses(), ["first"])

    def test_pull_and_push(self):
        pulled = self.out("state", "pull")
        self.assertNotIn("s3cret-word", pulled)
        self.assertIn("$sealed", pulled)
        state = json.loads(pulled)
        self.assertEqual([r["address"] for r in state["resources"]],
                         ["first", 'many["x"]', 'many["y"]', "second"])
        file = self.path / "pulled.json"
        file.write_text(pulled)
        self.run_it("state", "rm", "first")
        self.assertIn("this state is older than the current state",
                      self.err("state", "push", "pulled.json", status=1))
        self.run_it("state", "push", "pulled.json", "--force")
        self.assertIn("first", self.addresses())
        self.assertIn("Nothing to change", self.out("plan"))
        state = json.loads(self.out("state", "pull"))
        state["resources"] = [r for r in state["resources"] if r["address"] != "second"]
        self.assertIn("was altered", self.err("state", "push", "-", status=1,
                                              given=json.dumps(state)))
        self.run_it("state", "push", "--edited", "-", given=json.dumps(state))
        self.assertEqual(self.addresses(), ["first", 'many["x"]', 'many["y"]'])
        self.assertGreater(self.serial(), state["serial"])
        state["lineage"] = "11111111-0000-4000-8000-000000000000"
        self.assertIn("different lineage", self.err("state", "push", "--edited", "-", status=1,
                                                  given=json.dumps(state | {"serial": 99})))
        self.assertIn("of the project x", self.err("state", "push", "--edited", "-", status=1,
                                                   given=json.dumps(state | {"project": "x"})))
        self.assertIn("not a state in JSON", self.err("state", "push", "-", status=1, given="{"))

    def test_they_need_no_valid_spec(self):
        self.spec("name: [")
        self.run_it("state", "rm", "second")
        self.run_it("taint", "first")
        self.out("state", "pull")

    def test_the_lock_is_respected(self):
        with open(self.path / ".hadeploy" / "state.db.lock", "r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            for words in (["taint", "first"], ["state", "mv", "first", "x"], ["state", "rm", "first"],
                          ["state", "push", "-"], ["import", "first", "id"]):
                pulled = self.out("state", "pull")
                self.err(*words, status=75, given=pulled)
        self.run_it("taint", "first")

    def test_before_the_first_apply(self):
        shutil.rmtree(self.path / ".hadeploy")
        for words in (["state", "pull"], ["state", "rm", "x"], ["taint", "x"]):
            self.assertIn("there is no state", self.err(*words, status=1))

    def test_import(self):
        self.assertIn("the state already contains it", self.err("import", "first", "id"))
        self.run_it("state", "rm", "first")
        self.assertIn("a ssh.key can't be imported", self.err("import", "first", "id"))
        self.assertNotIn("first", self.addresses())
        self.assertIn("did you mean first?", self.err("import", "frist", "id"))


class PathTest(Case):
    def test_paths_are_absolute_wherever_it_is_run(self):
        module = self.path / "modules" / "m"
        module.mkdir(parents=True)
        (module / "module.yaml").write_text("""outputs:
  here: "${path.module}"
  root: "${path.root}/x"
  text: "${file('a.txt')}"
  same: ${file("${path.module}/a.txt")}
""")
        (module / "a.txt").write_text("a")
        self.spec("""name: keys
modules: {m: {source: modules/m}}
outputs: {here: "${path.module}", m: ["${module.m.here}", "${module.m.root}",
          "${module.m.text}", "${module.m.same}"]}
""")
        root = str(self.path.resolve())
        expected = {"here": root, "m": [root + "/modules/m", root + "/x", "a", "a"]}
        self.apply()
        self.assertEqual(json.loads(self.out("output", "--json")), expected)
        for words, cwd in ((["--chdir", root], "/"), (["--chdir", ".."], module.parent),
                           (["--chdir", self.path.name], self.path.parent)):
            self.assertIn("Nothing to change", self.out("plan", *words, cwd=cwd))

    def test_closed_standard_streams_are_no_files_of_the_run(self):
        """Else a file that is opened would take the number of a stream, and get its text."""
        for closed in ("<&- >&- 2>&-", ">&- 2>&-", ">&-"):
            self.spec(f"name: keys\nresources:\n  x: {{type: local.file, path: x, content: '{closed}'}}\n")
            script = f'"$0" apply --auto-approve --log-file log {closed} </dev/null'
            if closed.startswith("<"):
                script = f'"$0" apply --auto-approve --log-file log {closed}'
            done = subprocess.run(["bash", "-c", script, HADEPLOY], cwd=self.path,
                                  env=self.environment, timeout=60)
            self.assertEqual(done.returncode, 0, closed)
            self.assertEqual((self.path / "x").read_text(), closed)
            for line in (self.path / "log").read_text().splitlines():
                self.assertRegex(line, r"^\d{4}-\d\d-\d\dT")

    def test_outside_of_a_project(self):
        (self.path / "empty").mkdir()
        text = self.err("plan", status=65, cwd=self.path / "empty")
        self.assertIn("hadeploy.yaml: No such file", text)
        self.assertIn("--chdir", text)


class StatusTest(Case):
    def test_it_compares_with_the_spec(self):
        self.apply()
        self.assertEqual(self.out("status"), "Everything matches the spec.\n")
        self.key("second").unlink()
        self.assertEqual(self.out("status", status=1),
                         "! 1 resource differs from the spec: see `hadeploy plan`\n\n")

    def test_a_machine_that_can_not_be_read(self):
        """A silent host is shown within the time limit, and nothing is reported as well."""
        self.apply()
        state = json.loads(self.out("state", "pull"))
        with socket.socket() as silent:  # accepts no login and sends nothing
            silent.bind(("127.0.0.1", 0))
            silent.listen(8)
            port = silent.getsockname()[1]
            connection = {"address": "127.0.0.1", "port": port, "user": "root", "machine": "box",
                          "private_key_file": str(self.key("first")),
                          "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGDal6ux/hOwPEjbeRlYH8t9"
                                      "9PSHuatIJvoLbSAs8FnB"}
            config = {key: connection[key] for key in ("address", "port", "user", "host_key",
                                                        "private_key_file")}
            box = dict(state["resources"][0], address="box", type="ssh.host", config=config,
                       attributes=dict(config, connection=connection, running=True),
                       depends_on=[], identity="5c3f2b5e-6d53-5b0c-9f43-6f6f0c1f0a01")
            state["resources"].append(box)
            self.run_it("state", "push", "-", "--force", "--edited", given=json.dumps(state))
            self.spec(SPEC.replace("outputs:", "  box: {type: ssh.host, address: 127.0.0.1, "
                                   f"port: {port}, private_key_file: .hadeploy/keys/first, "
                                   f'host_key: "{connection["host_key"]}"}}\noutputs:'))
            began = time.monotonic()
            shown = self.out("status", status=1)
            self.assertLess(time.monotonic() - began, 20)
        self.assertIn("?     box  127.0.0.1\n! box cannot be read: ", shown)
        self.assertNotIn("Everything matches the spec", shown)


class LookTest(Case):
    def test_output(self):
        self.apply()
        self.assertEqual(self.out("output", "--raw", "word"), "hello")
        self.assertEqual(self.out("output", "word"), "hello\n")
        self.assertEqual(self.out("output", "word", "--json"), '"hello"\n')
        self.assertEqual(json.loads(self.out("output", "--json")),
                         {"file": str(self.key("first")), "word": "hello", "both": ["hello", 2],
                          "hidden": "(secret)"})
        self.assertIn("is secret", self.err("output", "--raw", "hidden", status=1))
        self.assertEqual(self.out("output", "--raw", "hidden", "--show-secrets"), "s3cret-word")
        self.assertIn("needs --raw", self.err("output", "hidden", "--show-secrets"))
        self.assertIn("is a list, which --raw cannot print", self.err("output", "--raw", "both"))
        self.assertIn("did you mean", self.err("output", "--raw", "wodr"))
        self.assertIn("--raw needs the NAME", self.err("output", "--raw"))

    def test_console(self):
        ask = lambda line, **more: self.out("console", "-e", line, **more)
        self.assertEqual(ask("upper(var.word)"), '"HELLO"\n')
        self.assertEqual(ask("say ${var.word}!"), '"say hello!"\n')
        self.assertEqual(ask("'say ${var.word}!'"), '"say hello!"\n')  # an expression with a text in it
        self.assertEqual(ask('[for n in [1] : "${n}-${var.word}"][0]'), '"1-hello"\n')
        self.assertEqual(ask("${var.word}"), '"hello"\n')
        self.assertEqual(ask("{a: 1, b: [2]}"), '{\n  "a": 1,\n  "b": [\n    2\n  ]\n}\n')
        self.assertEqual(ask("var.hidden"), "(secret)\n")
        self.assertEqual(ask("first.public_key"), "(known after apply)\n")
        self.apply()
        self.assertTrue(ask("first.public_key").startswith('"ssh-ed25519 '))
        self.assertEqual(ask('many["x"].name', ), '"many-x"\n')
        done = self.run_it("console", given="1 + 1\n\nvar.wrd\n2 * 3\n", status=65)
        self.assertEqual(done.stdout, "2\n6\n")
        self.assertIn('there is no variable "wrd"', done.stderr)
        self.assertIn("^", done.stderr)
        self.assertIn('did you mean "word"?', done.stderr)
        self.assertEqual(self.out("console", given="1\n"), "1\n")
        self.assertEqual(self.out("console", "--json", given="[1, true]\n"), "[1,true]\n")

    def test_console_reads_data_sources(self):
        self.spec("""name: keys
data:
  said: {type: local.command, run: "echo once >>asked; echo hello"}
  more: {type: local.command, run: "echo ${data.said.outputs.stdout} again"}
  later: {type: local.command, run: "echo ${key.public_key}"}
  broken: {type: local.command, run: "echo no luck >&2; exit 3"}
resources: {key: {type: ssh.key}}
""")
        asked = self.path / "asked"
        self.assertEqual(self.out("console", "-e", "1 + 1"), "2\n")
        self.assertFalse(asked.exists())
        given = "data.more.outputs.stdout\nupper(data.said.outputs.stdout)\n"
        self.assertEqual(self.out("console", given=given), '"hello again"\n"HELLO"\n')
        self.assertEqual(asked.read_text(), "once\n")
        self.assertEqual(self.out("console", "--json", given="data.said.outputs\n"),
                         '{"stdout":"hello"}\n')
        self.assertEqual(self.out("console", "-e", "data.later.outputs.stdout"),
                         "(known after apply)\n")
        text = self.err("console", "-e", "data.broken.outputs", status=1)
        self.assertIn("`run` ended with exit status 3", text)
        self.assertIn("no luck", text)
        self.assertIn("data.broken", text)

    def test_console_on_a_terminal(self):
        # no Ctrl-D, which is lost while an answer is computed (see console_test.py)
        answers = [(b"> ", words) for words in (b"1 +\n", b"var.word\n", b"exit\n")]
        status, shown = talk([HADEPLOY, "console"], answers, self.environment, self.path)
        self.assertEqual(status, 0, shown)
        self.assertIn(b'"hello"', shown)
        self.assertIn(b"error:", shown)

    def test_graph(self):
        svg = self.out("graph", "--format", "svg")
        self.assertTrue(svg.startswith("<svg "))
        self.assertIn('data-testid="node-many[&quot;x&quot;]" data-state="create"', svg)
        page = self.out("graph", "--format", "html")
        self.assertIn('{"address":"many[\\"x\\"]","state":"create","type":"ssh.key"}', page)
        self.assertNotIn("http://", page.replace('"http://www.w3.org/2000/svg"', ""))
        drawn = json.loads(self.out("graph", "--format", "json"))
        self.assertEqual(drawn, json.loads(self.out("graph", "--json")))
        for shape, text in (("dot", self.out("graph")), ("dot", self.out("graph", "--format", "dot")),
                            ("mermaid", self.out("graph", "--format", "mermaid")),
                            ("json", json.dumps(drawn))):
            for name in ("first", "second", "many"):
                self.assertIn(name, text, shape)
        self.assertTrue(self.out("graph").startswith("digraph"))

    def test_show_a_plan_and_the_state(self):
        planned = json.loads(self.out("plan", "--out", "p", "--json").splitlines()[-1])
        shown = json.loads(self.out("show", "p", "--json"))
        self.assertIn("created", shown.pop("saved"))
        self.assertEqual(shown, planned)
        self.assertEqual(self.out("show", "p"), self.out("plan"))
        self.out("apply", "p")
        self.assertIn("first (ssh.key)\n", self.out("show"))
        rows = [json.loads(line) for line in self.out("show", "--json").splitlines()]
        self.assertEqual([row["address"] for row in rows], self.addresses())

    def test_docs_of_every_type(self):
        listed = self.out("docs").split("\nProviders:")[0]
        names = [line.split()[0] for line in listed.splitlines() if line]
        self.assertGreater(len(names), 30)
        for name in names:
            text = self.out("docs", name)
            self.assertTrue(text.startswith(name + "  "), text)
            self.assertIn("\nExample", text)
        for name in ("libvirt", "ssh", "local", "state", "chaos", "functions"):
            self.assertGreater(len(self.out("docs", name)), 50)


if __name__ == "__main__":
    unittest.main()
