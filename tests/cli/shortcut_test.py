"""The fast path for unchanged projects has to give the same result as the normal path: hadeploy plans with
and without its note, and the plans are compared after various changes."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HADEPLOY = sys.argv.pop(1)
SPEC = """
name: short
variables:
  size: {type: integer, default: 1}
resources:
  a: {type: local.value, input: "${var.size}"}
  b:
    type: local.exec
    for_each: {x: 1, y: 2}
    create: "echo ${each.value} > '$PWD/${each.key}'; echo made >> log"
    read: "[ -e ${each.key} ] || exit 44"
    delete: "rm -f ${each.key}"
  c: {type: random.id, bytes: 4}
outputs: {id: "${c.hex}"}
"""


class Shortcut(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-short-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.write(SPEC)
        self.run_it("apply", "--auto-approve")

    def write(self, text):
        (self.home / "hadeploy.yaml").write_text(text.replace("$PWD", str(self.home)))

    @property
    def note(self):
        return self.home / ".hadeploy" / "cache" / "unchanged.json"

    def run_it(self, *args, env=None, code=0):
        done = subprocess.run([HADEPLOY, "--chdir", self.home, "--progress", "quiet", *args],
                              capture_output=True, text=True, check=False,
                              env={**os.environ, **(env or {})})
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.returncode, done.stdout, done.stderr

    def both_ways(self, *args, env=None):
        """A normal plan, and one without the note."""
        out = []
        for form in ([], ["--json"]):
            short = self.run_it("plan", "--detailed-exitcode", *form, *args, env=env, code=None)
            kept = self.note.read_text() if self.note.exists() else None
            self.note.unlink(missing_ok=True)
            long = self.run_it("plan", "--detailed-exitcode", *form, *args, env=env, code=None)
            if form: # the events before the plan have times in them
                short, long = [(code, out.splitlines()[-1], err) for code, out, err in (short, long)]
            self.assertEqual(short, long)
            if kept is not None:
                self.note.write_text(kept)
            out.append(short)
        return out[0]

    def loads_the_spec(self, *args, env=None):
        """Whether a plan took the normal path, according to its trace."""
        trace = self.home.parent / (self.home.name + ".json")
        self.run_it("plan", "--profile", str(trace), *args, env=env)
        text = trace.read_text()
        trace.unlink()
        return "load the spec" in text

    def settled(self):
        self.run_it("plan")
        self.assertTrue(self.note.exists())
        self.assertFalse(self.loads_the_spec())

    def test_nothing_changed(self):
        self.settled()
        self.assertEqual(self.both_ways()[0], 0)
        code, out, _ = self.run_it("apply", "--auto-approve")
        self.note.unlink()
        self.assertEqual((code, out), self.run_it("apply", "--auto-approve")[:2])

    def test_the_spec_changed(self):
        self.settled()
        self.write(SPEC.replace("bytes: 4", "bytes: 5"))
        self.assertTrue(self.loads_the_spec())
        self.assertEqual(self.both_ways()[0], 2)

    def test_a_variable_changed(self):
        self.settled()
        self.assertTrue(self.loads_the_spec("--var", "size=2"))
        self.assertEqual(self.both_ways("--var", "size=2")[0], 2)
        self.assertEqual(self.both_ways(env={"HADEPLOY_VAR_size": "3"})[0], 2)
        (self.home / "more.yaml").write_text("size: 1\n")
        self.assertEqual(self.both_ways("--var-file", str(self.home / "more.yaml"))[0], 0)
        (self.home / "more.yaml").write_text("size: 7\n")
        self.assertEqual(self.both_ways("--var-file", str(self.home / "more.yaml"))[0], 2)

    def test_the_world_changed(self):
        self.settled()
        (self.home / "x").unlink()
        self.assertTrue(self.loads_the_spec())
        self.assertEqual(self.both_ways()[0], 2)
        self.run_it("apply", "--auto-approve")
        self.settled()

    def test_an_output_of_the_world_changed(self):
        self.run_it("destroy", "--auto-approve")
        self.write(SPEC.replace("c:", "  returns: {text: string}\n  d: {type: local.value, "
                                "input: '${b[\"x\"].outputs.text}'}\n  c:", 1)
                   .replace("|| exit 44", "|| exit 44; cat text").replace("echo made >> log", "cat text"))
        (self.home / "text").write_text('{"text": "one"}')
        self.run_it("apply", "--auto-approve")
        self.settled()
        (self.home / "text").write_text('{"text": "two"}')
        self.assertTrue(self.loads_the_spec())
        self.assertEqual(self.both_ways()[0], 2)

    def test_the_state_changed(self):
        self.settled()
        self.run_it("apply", "--auto-approve", "--var", "size=9")
        self.assertEqual(self.both_ways()[0], 2)
        self.run_it("apply", "--auto-approve")
        self.settled()

    def test_another_question(self):
        self.settled()
        self.assertEqual(self.both_ways("--destroy")[0], 2)

    def test_local_files_and_secrets_keep_to_the_long_way(self):
        (self.home / "text").write_text("one")
        for more in ('  d: {type: local.value, input: "${file(\'text\')}"}\n',
                     '  d: {type: local.file, path: made, source: text}\n',
                     '  d: {type: local.value, input: "${var.s}"}\n'):
            self.write(SPEC.replace("outputs:", more + "outputs:").replace(
                "resources:", "  s: {type: string, secret: true, default: x}\nresources:"
                if "var.s" in more else "resources:"))
            self.run_it("apply", "--auto-approve")
            self.note.unlink(missing_ok=True)
            self.run_it("plan")
            self.assertFalse(self.note.exists())
            self.assertTrue(self.loads_the_spec())
        (self.home / "text").write_text("two")
        self.both_ways()

    def test_the_time_keeps_to_the_long_way(self):
        self.write(SPEC.replace("outputs: {", 'outputs: {time: "${plantimestamp()}", '))
        self.run_it("apply", "--auto-approve")
        self.run_it("plan")
        self.assertFalse(self.note.exists())
        time.sleep(1.1)
        self.assertEqual(self.run_it("plan", "--detailed-exitcode", code=None)[1].count("time:"), 1)

    def test_a_damaged_note(self):
        self.settled()
        for text in ("", "{", "[]", '{"format": 1}', '{"format": "x"}'):
            self.note.write_text(text)
            self.assertEqual(self.run_it("plan", "--detailed-exitcode")[0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
