#!/usr/bin/env python3
"""The texts that are generated from the command tree: completion, manual page, reference.

usage: pages_test.py HADEPLOY [unittest options]
"""
import shutil
import subprocess
import unittest

import skips
from command_case import SOURCE, Case


class PagesTest(Case):
    def complete(self, *words):
        script = self.path / "completion.bash"
        script.write_text(self.out("completion", "bash"))
        shell = (f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hadeploy; '
                 'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-c", shell, "bash", "hadeploy", *words],
                              cwd=self.path, env=self.environment, text=True, capture_output=True,
                              timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split("\n")[:-1]

    def test_bash_completes(self):
        self.apply()
        self.assertEqual(self.complete("pl"), ["plan"])
        self.assertEqual(self.complete("state", "p"), ["pull", "push"])
        self.assertIn("--refresh-only", self.complete("plan", "--re"))
        self.assertNotIn("--refresh-only", self.complete("output", "--"))
        self.assertIn("--chdir", self.complete("--c"))
        self.assertEqual(self.complete("graph", "--format", "h"), ["html"])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.complete("why", "fi"), ["first"])
        self.assertEqual(self.complete("state", "show", "many"), ['many\\[\\"x\\"\\]', 'many\\[\\"y\\"\\]'])
        self.assertEqual(self.complete("plan", "--target", "se"), ["second"])
        self.assertEqual(self.complete("plan", "--target", "=", "se"), ["second"])
        self.assertEqual(self.complete("graph", "--format", "="), ["dot", "mermaid", "json", "svg", "html"])
        self.assertEqual(self.complete("why", "'many"), ['many["x"]', 'many["y"]'])
        self.assertEqual(self.complete("why", '"many'), ['many[\\"x\\"]', 'many[\\"y\\"]'])
        self.assertEqual(self.complete("docs", "host.fi"), ["host.file"])
        self.assertEqual(self.complete("output", "f"), ["file"])
        self.assertEqual(self.complete("--chdir", str(self.path), "why", "fi"), ["first"])
        self.assertEqual(self.complete("--chdir", "=", str(self.path), "why", "fi"), ["first"])
        self.assertIn("hadeploy.yaml", self.complete("fmt", "had"))

    @unittest.skipUnless(shutil.which("fish"), "needs fish")
    def test_fish_completes(self):
        self.apply()
        file = self.path / "completion.fish"
        file.write_text(self.out("completion", "fish"))
        for words, completed in (("pl", ["plan"]), ("state p", ["pull", "push"]),
                                 ("why fi", ["first"]), ("graph --format h", ["html"]),
                                 ("plan --refresh-", ["--refresh-only"]),
                                 ("docs host.fi", ["host.file"]), ("output wo", ["word"])):
            done = subprocess.run(["fish", "-N", "-c", f"source {file}; complete -C 'hadeploy {words}'"],
                                  cwd=self.path, env=self.environment, text=True,
                                  capture_output=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual([line.split("\t")[0] for line in done.stdout.splitlines()], completed)

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_zsh_completes(self):
        """Replaces the shell's functions that offer words by functions that print them."""
        self.apply()
        file = self.path / "completion.zsh"
        file.write_text(self.out("completion", "zsh"))
        for words, offered in (("pl", "plan"), ("state p", "push"), ("why fi", "first"),
                               ("graph --format h", "html"), ("plan --refresh-", "--refresh-only"),
                               ("plan --target=se", "second"), ("docs host.f", "host.file"),
                               ("output wo", "word"), ("show ", "files")):
            before = len(words.rstrip()) != len(words)
            typed = ["hadeploy", *words.split()] + ([""] if before else [])
            script = ("compdef() { :; }; compset() { :; }; compadd() { shift; print -rl -- $@ }; _files() { print files "
                      f"}}; source {file}; words=(\"$@\"); CURRENT=$#; _hadeploy")
            done = subprocess.run(["zsh", "-f", "-c", script, "zsh", *typed], cwd=self.path,
                                  env=self.environment, text=True, capture_output=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(offered, done.stdout.splitlines())

    def test_pages_are_up_to_date(self):
        for flag, name in (("--commands", "commands.md"), ("--man", "hadeploy.1"),
                           ("--markdown", "reference.md")):
            self.assertEqual(self.out("docs", flag), (SOURCE / "docs" / name).read_text(),
                             f"hadeploy docs {flag} > docs/{name}")

    @unittest.skipUnless(shutil.which("man"), "needs man")
    def test_the_manual_page_is_well_formed(self):
        text = self.out("docs", "--man")
        for line in text.splitlines():
            self.assertNotRegex(line, r"^\.(?!\\\"|(TH|SH|SS|PP|TP|B|I|br)\b)")
        page = self.path / "hadeploy.1"
        page.write_text(text)
        shown = subprocess.run(["man", "--warnings", "-l", page], text=True, capture_output=True,
                               env=self.environment | {"MANWIDTH": "100"}, timeout=60)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertIn("state push", shown.stdout)

    def test_every_command_says_what_it_is(self):
        text = self.out("docs", "--commands")
        for command in ("plan", "state mv", "console", "vault rekey", "chaos"):
            self.assertIn(f"\n## {command}\n", text)
        self.assertIn("--target", self.out("plan", "--help"))
        self.assertIn("did you mean", self.err("consol"))


if __name__ == "__main__":
    skips.main()
