#!/usr/bin/env python3
"""Searches messages for literal secrets from a spec, a file of variables or the command line: errors show the
line of the error, and `why` the line of a change.

usage: written_secrets_test.py HADEPLOY [unittest options]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
CANARY = "canary4711"  # a word that contains digits
NUMBER = "47114711471147114711"

# each with an error near a secret
WRONG = {
    "of another type": 'variables: {p: {type: integer, secret: true, default: "CANARY"}}',
    "not one of them": 'variables: {p: {secret: true, type: string, one_of: [a], default: "CANARY"}}',
    "a block of text": "variables:\n  p:\n    type: integer\n    secret: true\n    default: |\n      CANARY\n",
    "a number too large": f"variables: {{p: {{type: integer, secret: true, default: {NUMBER}}}}}",
    "another mistake in its line": 'variables: {p: {type: string, default: "CANARY", secret: true, mn: 1}}',
    "no closing quote": 'variables: {p: {type: string, secret: true, default: "CANARY}}',
    "no closing bracket": "variables: {p: {type: string, secret: true, default: [CANARY}}",
    "not YAML, an argument": "locals: {x: [}\noutputs: {o: \"${sensitive('CANARY')}\", p: [}",
    "not YAML, a module's input": 'modules: {m: {source: m, with: {password: "CANARY", p: [}}}',
    "not YAML, an attribute": 'resources: {c: {type: tls.self_signed_cert, private_key_pem: "CANARY", p: [}}',
    "not YAML, a block": "variables: {p: {secret: true}}\nlocals:\n  x: |\n    CANARY\n    CANARY [\n  y: [",
    "a module's input": 'modules: {m: {source: m, with: {key: "CANARY", kee: 1}}}',
    "a module's input of another type": 'modules: {m: {source: m, with: {key: ["CANARY"]}}}',
    "an attribute": 'resources: {c: {type: tls.self_signed_cert, private_key_pem: "CANARY", subjekt: 1}}',
    "an argument": "locals: {x: 1}\noutputs: {o: \"${tonumber(sensitive('CANARY'))}\"}",
    "an argument among others": "outputs: {o: \"${substr(sensitive('CANARY'), 'x')}\"}",
    "a key": "outputs: {o: \"${ {a: 1}[sensitive('CANARY')] }\"}",
    "keys twice": "outputs: {o: \"${ {for x in [1, 2] : sensitive('CANARY') => x} }\"}",
    "for_each": "resources: {r: {type: local.value, for_each: \"${sensitive(['CANARY'])}\"}}",
}


class WrittenSecretsTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-written-secrets-test-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        (self.path / "m").mkdir()
        (self.path / "m" / "module.yaml").write_text("variables: {key: {type: string, secret: true}}\n")

    def write(self, text):
        (self.path / "hadeploy.yaml").write_text("name: written\n" + text.replace("CANARY", CANARY) + "\n")

    def run_it(self, *words, status=0, environment=()):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, text=True, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.path), **dict(environment)},
                              capture_output=True, timeout=60)
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, text)
        for secret in (CANARY, NUMBER):
            self.assertNotIn(secret, text, words)
        return text

    def test_errors_near_a_secret(self):
        for name, spec in WRONG.items():
            with self.subTest(name):
                self.write(spec)
                for words in (["validate"], ["validate", "--json"], ["plan"], ["plan", "--json"]):
                    self.run_it(*words, status=65)
                self.assertIn("error: ", self.run_it("plan", status=65))

    def test_the_rest_of_the_line_is_shown(self):
        self.write(WRONG["another mistake in its line"])
        text = self.run_it("validate", status=65)
        self.assertIn('2 | variables: {p: {type: string, default: "(secret)", secret: true, mn: 1}}\n', text)
        line, carets = text.splitlines()[1:3]
        self.assertEqual(line.index("mn: 1"), carets.index("^"))

    def test_values_from_outside(self):
        self.write("variables: {p: {type: integer, secret: true}}")
        self.run_it("validate", "--var", f"p={CANARY}", status=65)
        self.run_it("validate", "--var", f"p='{CANARY}", status=65)
        self.run_it("validate", "--var", f"p={NUMBER}", status=65)
        self.run_it("validate", status=65, environment={"HADEPLOY_VAR_p": CANARY})
        for content in (f"p: {CANARY}", f"p: '{CANARY}", f"p: {NUMBER}", f"p: {CANARY}\nq: 1", f"p: {{{CANARY}"):
            with self.subTest(content):
                (self.path / "values.yaml").write_text(content + "\n")
                self.run_it("validate", "--var-file", "values.yaml", status=65)
                self.run_it("validate", "--var-file", "values.yaml", "--json", status=65)

    def test_plans_and_why(self):
        spec = """resources:
  kept: {type: local.value, input: "${sensitive('CANARY')}"}
  later: {type: local.value, input: "${sensitive(kept.id)}"}
outputs: {o: "${later.output}", id: "${sensitive(kept.id)}"}"""
        for change in ("", "-2"):
            self.write(spec.replace("CANARY", "CANARY" + change))
            text = self.run_it("why", "kept") + self.run_it("why", "later")
            self.assertIn("sensitive((secret))", text)
            for words in (["plan"], ["plan", "--json"], ["why", "kept", "--json"], ["plan", "--out", "saved"],
                          ["show", "saved"], ["show", "saved", "--json"],
                          ["apply", "--auto-approve", "--json"], ["show"], ["output", "--json"]):
                self.run_it(*words)
        for file in ("saved", ".hadeploy/state.db"):
            self.assertNotIn(CANARY.encode(), (self.path / file).read_bytes())
        state = [json.loads(line) for line in self.run_it("state", "show", "later", "--json").splitlines()]
        self.assertEqual(state[0]["attributes"]["output"], "(secret)")
        self.assertIn("(secret)", self.run_it("output", "o") + self.run_it("output", "id"))

    def test_what_is_secret_and_not_known_yet_is_planned_as_such(self):
        self.write("""resources: {a: {type: local.value, input: x}}
outputs: {hidden: "${sensitive(a.id)}", either: "${a.id == 'x' ? sensitive('y') : 'z'}", open: "${a.id}"}""")
        lines = [json.loads(line) for line in self.run_it("plan", "--json").splitlines()]
        plan = next(line for line in lines if "steps" in line)
        self.assertEqual(plan["outputs"], {"hidden": "(secret)", "either": "(secret)",
                                           "open": "(known after apply)"})


if __name__ == "__main__":
    unittest.main()
