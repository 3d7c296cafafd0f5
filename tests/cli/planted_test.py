#!/usr/bin/env python3
"""Plants secrets of many lengths and alphabets in a project in every way, and searches all its output and
files for them and pieces of them. tests/planner/secret_property_test.cpp covers all functions and types;
this test covers the whole program.

usage: planted_test.py HADEPLOY [unittest options]
HADEPLOY_SEED is the first seed, HADEPLOY_SECRETS how many there are.
"""
import base64
import json
import os
import random
import subprocess
import unittest

from local_project import HADEPLOY, Project

ALPHABETS = ["^@", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
             "'\"\\`$&<>{}[]#:,%|", "".join(map(chr, range(0x410, 0x450))),
             "".join(map(chr, range(0x4E00, 0x4F00))), "".join(map(chr, range(0x1F600, 0x1F640))),
             "\n\t^@ъЖ"]
SPEC = """
variables:
  by_env: {{type: string, secret: true}}
  by_file: {{type: any, secret: true}}
  by_option: {{type: string, secret: true}}
  fallback: {{type: string, secret: true, default: {fallback}}}
  open: {{type: integer, default: 1}}
secrets: {{vault: vault.yaml}}
data:
  asked:
    type: local.command
    environment: {{P: "${{var.by_env}}"}}
    secret_outputs: true
    run: printf %s "$P"
resources:
  kept: {{type: local.value, input: ["${{var.by_env}}", "${{var.by_file}}", "${{var.fallback}}"]}}
  file: {{type: local.file, path: out, mode: "0600", content: "${{secret.vault.key}}${{var.by_option}}"}}
  made:
    type: local.exec
    environment: {{A: "${{var.by_option}}", B: "${{data.asked.outputs.stdout}}"}}
    create: 'printf %s "$A$B"; printf "%s" "$B" >&2'
    delete: {last}
  value: {{type: local.value, input: {{"${{var.by_env}}": "${{made.outputs.stdout}}"}}}}
outputs:
  all: "${{var.by_env}}${{secret.vault.key}}"
  made: "${{made.outputs.stdout}}"
  open: "${{var.open}}"
"""
MISTAKES = [
    'x: {{type: local.file, path: "${{var.by_env}}/no/such", content: x}}',
    'x: {{type: local.file, path: x, content: x, mode: "${{var.by_env}}"}}',
    'x: {{type: local.value, inptu: "${{var.by_env}}"}}',
    'x: {{type: local.value, input: "${{tonumber(var.by_env)}}"}}',
    'x: {{type: local.value, input: "${{jsondecode(var.by_env)}}"}}',
    'x: {{type: local.value, input: "${{yamldecode(var.by_option)}}"}}',
    'x: {{type: local.value, input: "${{file(var.by_env)}}"}}',
    'x: {{type: local.value, input: "${{var.by_file[var.by_env]}}"}}',
    'x: {{type: local.value, input: "${{secret.vault[var.by_env]}}"}}',
    'x: {{type: local.value, input: "${{secret[var.by_env]}}"}}',
    'x: {{type: local.value, for_each: "${{[var.by_env]}}"}}',
    'x: {{type: local.exec, create: "true", environment: {{"${{var.by_env}}=": x}}}}',
    'x: {{type: local.exec, create: "true", timeout: "${{var.by_env}}"}}',
    'x: {{type: local.exec, create: "echo \'${{secret.vault.key}}\' >&2; exit 3"}}',
    'x: {{type: local.exec, create: "no-such-program \'${{var.by_option}}\'"}}',
    'x: {{type: local.exec, create: "true", directory: "${{var.by_env}}"}}',
    'x: {{type: local.exec, create: "printf %s \\"$P\\"", returns: {{p: port}}, environment: {{P: "${{var.by_env}}"}}}}',
    'x: {{type: local.directory, path: "/proc/${{var.by_env}}"}}',
    'x: {{type: random.password, length: "${{var.by_env}}"}}',
    'x: {{type: tls.self_signed_cert, private_key_pem: "${{var.by_env}}", subject: {{common_name: x}}}}',
    'x: {{type: tls.self_signed_cert, private_key_pem: "x", dns_names: ["${{var.by_env}}"], subject: {{common_name: x}}}}',
]

HOST = """providers: {{ssh: {{connect_timeout: 200ms}}}}
resources:
  h: {{type: ssh.host, address: "{address}", port: "{port}", user: "{user}", trust_on_first_use: true,
      config_file: /dev/null}}
  x: {{type: host.directory, host: "${{h.connection}}", path: /x}}
"""
# each with secrets of three characters in names that messages and steps contain
SHORT = [
    HOST.format(address="${var.word}", port="1", user="ops"),
    HOST.format(address="127.0.0.1", port="1", user="${var.word}"),
    HOST.format(address="127.0.0.1", port="${var.number}", user="ops"),
    HOST.format(address="127.0.0.1", port="1", user="ops").replace("path: /x", "path: '/${var.word}'"),
    "providers: {libvirt: {uri: '${var.word}'}}\nresources:\n  x: {type: libvirt.pool}\n",
    "resources:\n  x: {type: random.integer, min: '${var.number}', max: 1}\n",
    "resources:\n  x: {type: random.password, length: 5, min_lower: '${var.number}'}\n",
    "resources:\n  x: {type: local.directory, path: '${var.word}/no/such'}\n",
    "resources:\n  x: {type: local.directory, path: '/proc/${var.word}'}\n",
    "resources:\n  x: {type: local.file, path: '${var.word}/x', content: x}\n",
    "resources:\n  x: {type: local.file, path: '${var.word}', content: x}\n"
    "  y: {type: local.file, path: '${var.word}', content: x}\n",
    "resources:\n  x: {type: local.exec, create: echo 1, returns: {'${var.word}': port, b: port}}\n",
    "resources:\n  x: {type: local.exec, create: echo x, returns: {'${var.word}': port}}\n",
    "resources:\n  x: {type: local.exec, create: echo x, returns: ['${var.word}', b]}\n",
    "resources:\n  x: {type: local.exec, create: 'echo \"$A: no\" >&2; false', environment: {A: '${var.word}'}}\n",
    "resources:\n  x: {type: local.exec, create: 'echo \"at $A\" >&2; false', environment: {A: '${var.number}'}}\n",
]


def yaml(text):
    return json.dumps(text, ensure_ascii=False)


class Planted(Project):
    def plant(self, draw, alphabet):
        length = draw.choice([draw.randint(1, 8), draw.randint(1, 90), draw.randint(80, 300)])
        text = "".join(draw.choice(alphabet) for _ in range(length))
        return text.strip() or alphabet[0]

    def pieces(self, secret, least=1):
        """Pieces that cannot occur by chance, also as JSON and in quotes."""
        size = {ALPHABETS[0]: 3, ALPHABETS[1]: 6, ALPHABETS[2]: 8, ALPHABETS[6]: 3}.get(self.alphabet, 1)
        size = max(size, -(-least // len(self.alphabet[-1].encode())))
        out = {secret[i:i + size] for i in range(len(secret) - size + 1)}
        out |= {json.dumps(p)[1:-1] for p in out}
        out |= {"".join(c if ord(c) < 0x80 else f"\\u{{{ord(c):04X}}}" for c in p) for p in out}
        if len(secret) > 8:
            out.add(base64.b64encode(secret.encode()).decode()[4:-4])
        return {p for p in out if p.strip(" \n^")}  # a place is marked with ^

    def hadeploy(self, *words, input=None):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, capture_output=True, timeout=120,
                              input=input, env=self.environment)
        self.outputs.append((words, done.stdout + done.stderr))
        return done.returncode

    def check(self):
        files = [p for p in (self.path / ".hadeploy").rglob("*") if p.is_file()]
        files += [self.path / "plan"] if self.there("plan") else []
        files += [self.path / "trace"] if self.there("trace") else []
        sealed = [(p, p.read_bytes()) for p in files]
        for secret in self.secrets:
            for piece in self.pieces(secret):
                for words, text in self.outputs:
                    self.assertNotIn(piece.encode(), text, (self.seed, words))
            for piece in self.pieces(secret, least=8):  # a database has any few bytes
                for path, text in sealed:
                    self.assertNotIn(piece.encode(), text, (self.seed, path))
        self.outputs.clear()

    def prepare(self, seed):
        self.clear()
        draw = random.Random(seed)
        self.seed, self.outputs = seed, []
        self.alphabet = ALPHABETS[seed % len(ALPHABETS)]
        self.secrets = [self.plant(draw, self.alphabet) for _ in range(5)]
        env, file, option, vault, fallback = self.secrets
        self.option = f"by_option={option}"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C.UTF-8",
                            "HADEPLOY_VAULT_PASSWORD": "word", "HADEPLOY_VAR_by_env": env}
        self.write("values.yaml", "by_file: " + yaml(file) + "\n")
        self.write("vault.yaml", "key: " + yaml(vault) + "\n")
        self.fallback = yaml(fallback).replace("${", "$${")
        self.spec(SPEC.format(fallback=self.fallback, last=yaml("true")))
        self.assertEqual(self.hadeploy("vault", "encrypt", "vault.yaml"), 0, self.outputs)
        return draw

    def given(self):
        return ["--var-file", "values.yaml", "--var", self.option]

    def life(self):
        for words in (["validate"], ["plan"], ["plan", "--out", "plan"], ["plan", "--json"],
                      ["graph"], ["graph", "--format", "json"], ["graph", "--format", "html"],
                      ["apply", "--auto-approve", "--profile", "trace"],
                      ["plan", "--json", "--replace", "made"], ["why", "made"],
                      ["apply", "--auto-approve", "--json", "--replace", "made"], ["status"]):
            self.assertEqual(self.hadeploy(*words, *self.given()), 0, (self.seed, self.outputs[-1]))
        self.hadeploy("console", *self.given(), input=b"var\nvar.by_env\nvar.by_env.x\n"
                      b"tonumber(var.by_file)\nlocal\nmade\n[var.by_env]\n'${secret.vault.key}'\n")
        for words in (["show"], ["show", "--json"], ["show", "plan"], ["output"], ["output", "--json"],
                      ["output", "--raw", "all"], ["state", "list"], ["state", "show", "made"],
                      ["state", "show", "kept", "--json"], ["history"], ["history", "1"],
                      ["history", "--json"], ["state", "pull"]):
            self.hadeploy(*words)

    def mistakes(self, draw):
        # what a command itself makes of a secret, and one that is too short, nobody finds in its words
        self.found = self.alphabet != ALPHABETS[2] and min(len(s.encode()) for s in self.secrets) > 3
        mistakes = [m for m in MISTAKES if self.found or not ("echo" in m or "no-such-" in m)]
        for mistake in draw.sample(mistakes, 7):
            self.spec(SPEC.format(fallback=self.fallback, last=yaml("true"))
                      .replace("outputs:\n", "  " + mistake.format() + "\noutputs:\n"))
            self.hadeploy("validate", *self.given())
            self.hadeploy("apply", "--auto-approve", *self.given())
        self.spec(SPEC.format(fallback=self.fallback, last=yaml("true")))
        for name, text in (("by_fiel", yaml(self.secrets[1])), ("by_file", "[" + self.secrets[1]),
                           ("by_env", "{" + yaml(self.secrets[1]) + ": 1}")):
            self.write("values.yaml", f"{name}: {text}\n")
            self.hadeploy("plan", *self.given())
        self.hadeploy("plan", "--var", self.secrets[2])
        self.hadeploy("plan", "--var", "by_optoin=" + self.secrets[2])
        self.write("values.yaml", "by_file: " + yaml(self.secrets[1]) + "\n")

    def test_nothing_that_comes_out_shows_a_piece_of_a_secret(self):
        first = int(os.environ.get("HADEPLOY_SEED", 1))
        for seed in range(first, first + int(os.environ.get("HADEPLOY_SECRETS", 7))):
            draw = self.prepare(seed)
            self.life()
            self.check()
            self.mistakes(draw)
            self.check()
            self.spec(SPEC.format(fallback=self.fallback, last=yaml("echo \"$A\" >&2; false" if self.found
                                                          else "false")))
            self.hadeploy("apply", "--auto-approve", *self.given())
            self.hadeploy("destroy", "--auto-approve", *self.given())
            self.check()


    def test_a_short_secret_is_not_shown_where_it_names_something(self):
        self.outputs, word, number = [], "q7z", "739"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C.UTF-8",
                            "HADEPLOY_VAR_word": word, "HADEPLOY_VAR_number": number}
        for blocks in SHORT:
            self.clear()
            self.spec("variables:\n  word: {type: string, secret: true}\n"
                      "  number: {type: integer, secret: true}\n" + blocks)
            for words in (["validate"], ["plan"], ["apply", "--auto-approve"],
                          ["apply", "--auto-approve", "--json"], ["show"], ["status"],
                          ["destroy", "--auto-approve"]):
                self.hadeploy(*words)
            with self.subTest(blocks):
                for words, text in self.outputs:
                    for secret in (word, number):
                        self.assertNotIn(secret.encode(), text, words)
            self.outputs.clear()


if __name__ == "__main__":
    unittest.main()
