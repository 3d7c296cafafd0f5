#!/usr/bin/env python3
"""A state in PostgreSQL: the commands of docs/shared-state.md as they are there, and invalid input, whose messages
are in golden/shared-state.txt (HADEPLOY_ACCEPT=1 writes them: read the diff).

usage: shared_state_test.py HADEPLOY [unittest options]
"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HADEPLOY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "hadeploy"
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "state"), str(ROOT / "tests" / "cli")]
import skips  # noqa: E402
from document import blocks  # noqa: E402
from postgres_server import Missing, OldServer, Server, Standby, free_port, program  # noqa: E402

DOCUMENT = ROOT / "docs" / "shared-state.md"
GOLDEN = ROOT / "tests" / "cli" / "golden" / "shared-state.txt"
SPEC = """name: shop
resources:
  word: {type: random.password, length: 20}
  script:
    type: local.exec
    environment: {W: "${word.result}"}
    create: ": >script; echo made >>log"
    read: "[ -e script ] || exit 44"
    delete: rm -f script
"""
KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="
PASSWORD = "canary-pw-81c2"


class SharedStateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.server = Server()
        except Missing as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hadeploy-shared-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name) / "project"
        self.path.mkdir()
        (self.path / "hadeploy.yaml").write_text(SPEC)
        self.environment = {"PATH": f"{os.path.dirname(HADEPLOY)}:{os.environ['PATH']}", "HOME": directory.name,
                            "LC_ALL": "C.UTF-8"}

    def hadeploy(self, *words, status=0, **environment):
        done = subprocess.run([HADEPLOY, *words], cwd=self.path, env={**self.environment, **environment}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout if status is not None else (done.returncode, done.stdout)

    def shared(self, schema, **more):
        return {"HADEPLOY_STATE": self.server.url(schema, **more), "HADEPLOY_STATE_KEY": KEY}

    def test_environments_have_schemas_of_their_own(self):
        (self.path / "environments").mkdir()
        for name in ("staging", "production"):
            (self.path / "environments" / f"{name}.yaml").write_text("{}\n")
        (self.path / "hadeploy.yaml").write_text(
            "name: envs\nresources: {file: {type: local.file, path: \"${env.name}\", content: x}}\n")
        shared = self.shared("envs")
        for name in ("staging", "production"):
            self.hadeploy("--env", name, "apply", "--auto-approve", **shared)
            self.hadeploy("--env", name, "plan", "--detailed-exitcode", **shared)
            self.assertIn("file", self.hadeploy("state", "list", HADEPLOY_ENV=name, **shared))
        self.assertIn("envs_staging", self.server.sql("SELECT nspname FROM pg_namespace"))
        self.assertIn("staging     1 resource", self.hadeploy("env", "list", **shared))
        (self.path / "hadeploy.yaml").write_text(
            "name: envs\nresources: {file: {type: local.file, path: staging, content: y}}\n")
        text = self.hadeploy("--env", "production", "plan", status=1, **shared)
        self.assertIn("belongs to the environment \"staging\" (file)", text)

    def test_the_document(self):
        self.require_passwords("deploy")
        sql = [text for _, text in blocks(DOCUMENT, "sql")]
        self.assertEqual(len(sql), 2)
        for statement in sql[0].strip().splitlines():
            self.server.sql(statement)
        self.server.sql(sql[1], database="infra")
        here = f"127.0.0.1:{self.server.port}"
        scripts = {}
        for heading, text in blocks(DOCUMENT, "sh"):
            scripts.setdefault(heading, []).append(text.replace("db.example.com", here))
        self.assertEqual({h: len(t) for h, t in scripts.items()}, {"The project": 3, "Change the key": 1, "Move a state": 2})
        yaml = [text for _, text in blocks(DOCUMENT, "yaml")]
        self.assertEqual(len(yaml), 1)

        def follow(script):
            done = subprocess.run(["sh", "-euc", script], cwd=self.path, env=self.environment, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout)
            return done.stdout

        # from the file, before the spec says where the state is
        self.hadeploy("apply", "--auto-approve")
        there, back = scripts["Move a state"]
        self.assertIn("Set it in the spec", follow(there))
        self.assertIn("was moved to", self.hadeploy("plan", status=1))
        without = (self.path / "hadeploy.yaml").read_text()
        spec = yaml[0].replace("db.example.com", here) + SPEC.removeprefix("name: shop\n")
        (self.path / "hadeploy.yaml").write_text(spec)
        key, use, staging = scripts["The project"]
        follow(key)
        shutil.copy(self.path / ".hadeploy" / "state.db.key", self.path.parent / "shop.key")  # that of the moved state
        self.assertEqual((self.path / "log").read_text(), "made\n")
        self.assertIn("Nothing to change", follow(use))
        self.assertEqual((self.path / "log").read_text(), "made\n")  # not made again
        said = follow(staging)
        self.assertIn("create", said)
        self.assertIn("Nothing is left to do", follow(there))
        follow(back)
        said = self.hadeploy("plan", status=1, HADEPLOY_STATE_PASSWORD="change me")
        self.assertIn('was moved to "DIR/.hadeploy/state.db"', self.plain(said))
        (self.path / "hadeploy.yaml").write_text(without)
        self.assertIn("script", self.hadeploy("state", "list"))
        tables = self.server.sql("SELECT DISTINCT schemaname FROM pg_tables WHERE tableowner = 'deploy' ORDER BY 1",
                                 database="infra")
        self.assertEqual(tables.split(), ["shop", "shop_staging"])

    def test_the_key_is_changed_while_others_work(self):
        scripts = [text for heading, text in blocks(DOCUMENT, "sh") if heading == "Change the key"]
        slow = SPEC.replace('": >script; echo', '"for i in $(seq 3000); do [ -e go ] && break; sleep 0.02; done; : >script; echo')
        (self.path / "hadeploy.yaml").write_text(slow)
        (self.path.parent / "shop.key").write_text(KEY + "\n")
        url = {"HADEPLOY_STATE": self.server.url("rekeyed")}
        runs = []

        def start(*command, **environment):
            runs.append(subprocess.Popen(command, cwd=self.path, env={**self.environment, **url, **environment}, text=True,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))

        def wait_for(condition):
            for _ in range(3000):
                if condition():
                    return
                time.sleep(0.02)
            self.fail("waited in vain")
        script = scripts[0].splitlines()
        subprocess.run(["sh", "-euc", "\n".join(script[:2])], cwd=self.path, check=True)
        new_key = (self.path.parent / "new.key").read_text()
        start(HADEPLOY, "apply", "--auto-approve", HADEPLOY_STATE_KEY=KEY)
        wait_for(lambda: self.server.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'rekeyed'") == "1" and
                 self.server.sql("SELECT to_regclass('rekeyed.intents') IS NOT NULL") == "t" and
                 self.server.sql("SELECT count(*) FROM rekeyed.intents") == "1")
        start("sh", "-euc", "\n".join(script[2:]))
        start(HADEPLOY, "apply", "--auto-approve", "--lock-timeout", "60", HADEPLOY_STATE_KEY=new_key + KEY)
        time.sleep(0.5)  # so that both wait, as a rule
        (self.path / "go").touch()
        for run in runs:
            said, _ = run.communicate(timeout=120)
            self.assertEqual(run.returncode, 0, said)
        self.assertEqual((self.path / "log").read_text(), "made\n")
        said = self.hadeploy("apply", "--auto-approve", status=1, HADEPLOY_STATE_KEY=KEY, **url)
        self.assertIn("does not open the state", said)
        self.assertIn("hadeploy state rekey", said)
        self.assertIn("Nothing to change", self.hadeploy("apply", "--auto-approve", HADEPLOY_STATE_KEY=new_key, **url))

    def require_passwords(self, user):
        """Logins of a user over TCP need a password from now on."""
        file = self.server.data / "pg_hba.conf"
        line = f"host all {user} 127.0.0.1/32 scram-sha-256\n"
        if line not in file.read_text():
            file.write_text(line + file.read_text())
        self.server.sql("SELECT pg_reload_conf()")

    def test_half_from_one_machine_and_half_from_another(self):
        """Two clones of a project, with nothing in common but the database and the key."""
        both = self.shared("clones")
        self.hadeploy("apply", "--auto-approve", "--target", "word", **both)
        first = self.hadeploy("output", **both)
        clone = self.path.parent / "clone"
        shutil.copytree(self.path, clone, ignore=shutil.ignore_patterns(".hadeploy"))
        self.path, before = clone, self.path
        self.hadeploy("apply", "--auto-approve", **both)
        self.assertEqual(self.hadeploy("state", "list", **both).split(), ["script", "word"])
        self.path = before
        (before / "script").touch()  # the object of the other machine
        self.assertIn("Nothing to change", self.hadeploy("plan", **both))
        self.assertEqual(len(self.hadeploy("history", **both).splitlines()), 2)
        self.assertEqual(first, self.hadeploy("output", **both))

    def test_the_password_of_a_file_of_secrets(self):
        self.server.sql(f"CREATE ROLE vaulted LOGIN PASSWORD '{PASSWORD}'")
        self.server.sql("CREATE SCHEMA vaulted AUTHORIZATION vaulted")
        self.require_passwords("vaulted")
        (self.path / "db.yaml").write_text(f"login: {{password: {PASSWORD}}}\n")
        (self.path / "vault-password").write_text("sesame\n")
        (self.path / "vault-password").chmod(0o600)
        url = f"postgresql://vaulted@127.0.0.1:{self.server.port}/postgres?schema=vaulted"
        (self.path / "hadeploy.yaml").write_text(
            SPEC + f'secrets: {{db: db.yaml}}\nstate: {{url: "{url}", password: "${{secret.db.login.password}}"}}\n')
        vault = ("--vault-password-file", "vault-password")
        self.hadeploy(*vault, "vault", "encrypt", "db.yaml")
        said = self.hadeploy(*vault, "--log-level", "trace", "apply", "--auto-approve", HADEPLOY_STATE_KEY=KEY)
        said += self.hadeploy(*vault, "plan", "--out", "plan", HADEPLOY_STATE_KEY=KEY)
        said += self.hadeploy(*vault, "show", "--json", "plan", HADEPLOY_STATE_KEY=KEY)
        self.assertIn("script", self.hadeploy(*vault, "state", "list", HADEPLOY_STATE_KEY=KEY))
        self.assertIn("apply", self.hadeploy(*vault, "history", HADEPLOY_STATE_KEY=KEY))
        self.assertNotIn(PASSWORD, said)
        self.assertFalse((self.path / ".hadeploy" / "state.db").exists())

    def test_the_key_of_a_program(self):
        both = self.shared("program")
        self.hadeploy("apply", "--auto-approve", **both)
        program = self.path.parent / "key-program"
        program.write_text(f"#!/bin/sh\necho {KEY}\n")
        program.chmod(0o700)
        given = {"HADEPLOY_STATE": both["HADEPLOY_STATE"], "HADEPLOY_STATE_KEY_FILE": str(program)}
        self.assertIn("Nothing to change", self.hadeploy("plan", **given))
        program.write_text("#!/bin/sh\nexit 3\n")
        self.assertIn("key-program", self.hadeploy("plan", status=1, **given))

    def test_a_saved_plan_is_applied_by_another_clone(self):
        both = self.shared("saved")
        self.hadeploy("plan", "--out", "plan", **both)
        there = self.path.rename(self.path.parent / "there")  # on a machine with the same directories
        shutil.copytree(there, self.path, ignore=shutil.ignore_patterns(".hadeploy"))
        self.hadeploy("apply", "--auto-approve", "plan", **both)
        self.assertIn("Nothing to change", self.hadeploy("plan", **both))

    def test_reading_needs_only_the_right_to_read(self):
        self.hadeploy("apply", "--auto-approve", **self.shared("readable"))
        self.server.sql("CREATE ROLE auditor LOGIN")
        self.server.sql("GRANT USAGE ON SCHEMA readable TO auditor; GRANT SELECT ON ALL TABLES IN SCHEMA readable TO auditor")
        reader = self.shared("readable", user="auditor")
        self.assertEqual(self.hadeploy("state", "list", **reader).split(), ["script", "word"])
        self.assertIn("Nothing to change", self.hadeploy("plan", **reader))
        self.assertIn("permission denied", self.hadeploy("state", "rm", "word", status=1, **reader))

    def test_a_state_is_moved_with_its_history(self):
        url = self.server.url("moved")
        both = {"HADEPLOY_STATE": url, "HADEPLOY_STATE_KEY": KEY}
        only_key = {"HADEPLOY_STATE_KEY": KEY}
        self.hadeploy("apply", "--auto-approve", **only_key)
        (self.path / "hadeploy.yaml").write_text(SPEC.replace("length: 20", "length: 30"))
        self.hadeploy("apply", "--auto-approve", **only_key)
        history = self.hadeploy("history", **only_key)
        self.assertEqual(len(history.splitlines()), 2)
        said = self.hadeploy("state", "migrate", ".hadeploy/state.db", url, **only_key)
        self.assertIn("2 resources, 2 runs, serial ", said)
        self.assertEqual(self.hadeploy("history", **both), history)
        self.assertIn("Nothing to change", self.hadeploy("plan", **both))
        for words in (["plan"], ["apply", "--auto-approve"], ["state", "list"], ["history"], ["state", "pull"]):
            self.assertIn("was moved to", self.hadeploy(*words, status=1, **only_key))
        self.hadeploy("rollback", "1", "--auto-approve", **both)
        again = json.loads(self.hadeploy("state", "migrate", "--json", ".hadeploy/state.db", url, **only_key))
        self.assertEqual((again["before"], again["runs"]), (True, 3))
        history = self.hadeploy("history", **both)
        self.hadeploy("state", "migrate", url, ".hadeploy/state.db", **only_key)
        self.assertEqual(self.hadeploy("history", **only_key), history)
        self.assertIn("was moved to", self.hadeploy("plan", status=1, **both))

    def test_a_record_that_was_put_back(self):
        """As somebody who administers the database could do it."""
        both = self.shared("replayed")
        self.hadeploy("apply", "--auto-approve", **both)
        self.server.sql("CREATE TABLE kept AS SELECT * FROM replayed.resources WHERE address = 'script'")
        self.hadeploy("state", "rm", "script", **both)
        self.server.sql("INSERT INTO replayed.resources SELECT * FROM kept")
        for words in (["plan"], ["state", "list"], ["destroy", "--auto-approve"], ["apply", "--auto-approve"]):
            said = self.hadeploy(*words, status=1, **both)
            self.assertIn("were removed, added or replaced by older versions outside hadeploy", said)
        self.assertTrue((self.path / "script").exists())
        self.server.sql("DELETE FROM replayed.resources WHERE address = 'script'")
        self.assertEqual(self.hadeploy("state", "list", **both).split(), ["word"])

    def test_notices_of_the_server_go_to_the_log(self):
        self.server.sql("CREATE ROLE chatty LOGIN SUPERUSER; ALTER ROLE chatty SET client_min_messages = debug5")
        url = {**self.shared("chatty", user="chatty")}
        self.assertNotIn("DEBUG", self.hadeploy("apply", "--auto-approve", **url))
        self.assertIn("postgres notice severity=", self.hadeploy("--log-level", "debug", "plan", **url))
        server = OldServer(notice="\x1b]0;evil\x07told")
        server.start()
        self.addCleanup(server.listener.close)
        url = {"HADEPLOY_STATE": f"postgresql://127.0.0.1:{server.port}/infra", "HADEPLOY_STATE_KEY": KEY}
        said = self.hadeploy("plan", status=1, **url)
        self.assertIn("is too old", said)
        self.assertNotIn("told", said)
        said = self.hadeploy("--log-level", "debug", "plan", status=1, **url)
        self.assertIn('message="\\x1b]0;evil\\x07told"', said)
        self.assertNotIn("\x1b]", said)

    def test_the_next_host_is_tried_when_one_is_silent(self):
        self.hadeploy("apply", "--auto-approve", **self.shared("hosts"))
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = (f"postgresql://hadeploy@127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{self.server.port}/postgres"
                   "?schema=hosts&connect_timeout=2")
            self.assertEqual(self.hadeploy("state", "list", HADEPLOY_STATE=url, HADEPLOY_STATE_KEY=KEY).split(),
                             ["script", "word"])

    def test_a_new_schema_is_named(self):
        both = self.shared("hew")
        self.assertIn('note: the schema "hew" of the database had no state: the first apply creates it',
                      self.hadeploy("plan", **both))
        self.assertIn('note: the schema "hew" of the database had no state: a new one was created',
                      self.hadeploy("apply", "--auto-approve", **both))
        self.assertNotIn("note:", self.hadeploy("plan", **both))
        self.assertNotIn("note:", self.hadeploy("apply", "--auto-approve", **both))

    def test_a_database_that_lost_writes_is_refused(self):
        """As after a fail-over to a standby that had not received them."""
        both = self.shared("older")
        self.hadeploy("apply", "--auto-approve", "--target", "word", **both)
        dump = self.server.run(program("pg_dump"), "-h", self.server.directory, "-p", self.server.port, "-U",
                               "hadeploy", "--schema", "older", "postgres")
        self.hadeploy("apply", "--auto-approve", **both)
        (self.path.parent / "dump").write_text("DROP SCHEMA older CASCADE;\n" + dump)
        subprocess.run(["psql", "-Xq", "-c", "SET client_min_messages = warning", "-v", "ON_ERROR_STOP=1", self.server.url(direct=True), "-f",
                        str(self.path.parent / "dump")], check=True, stdout=subprocess.DEVNULL, timeout=60)
        said = self.hadeploy("apply", "--auto-approve", status=1, **both)
        self.assertIn("has lost writes that this machine has seen", said)
        self.assertEqual(self.hadeploy("state", "list", **both).split(), ["word"])  # reading is possible
        (self.path / ".hadeploy" / "seen.json").unlink()
        self.hadeploy("apply", "--auto-approve", **both)
        self.assertEqual((self.path / "log").read_text(), "made\n")  # the script was there

    def cases(self):
        """(name, arguments, environment), each of which must fail."""
        server = self.server
        server.sql(f"CREATE ROLE ann LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE bob LOGIN")
        self.require_passwords("ann")
        tcp = f"postgresql://ann@127.0.0.1:{server.port}/postgres"
        key = {"HADEPLOY_STATE_KEY": KEY}

        def at(url, **more):
            return {"HADEPLOY_STATE": url, **key, **more}
        yield "another scheme", ["plan"], at("mysql://db/infra")
        yield "a malformed URL", ["plan"], at("postgresql://db:port:x/infra")
        yield "an unknown parameter", ["plan"], at("postgresql://db/infra?scheme=shop")
        yield "a password in the URL", ["plan"], at(f"postgresql://ann:{PASSWORD}@db/infra")
        yield "a password in the option", ["--state", f"postgresql://db/infra?password={PASSWORD}", "plan"], key
        yield "another password parameter", ["plan"], at(f"postgresql://db/infra?pass%77ord={PASSWORD}")
        yield "a password before the hosts' end", ["plan"], at(f"postgresql://ann:?{PASSWORD}@db/infra")
        yield "a password with a slash", ["plan"], at(f"postgresql://ann:/{PASSWORD}@db/infra")
        yield "a password without a host", ["plan"], at(f"postgresql://ann:{PASSWORD}/infra")
        yield "two schemas", ["plan"], at("postgresql://db/infra?schema=shop&schema=shop_staging")
        yield "a timeout that is no number", ["plan"], at("postgresql://db/infra?connect_timeout=x")
        yield "an invalid schema", ["plan"], at("postgresql://db/infra?schema=pg_x")
        yield "a server that does not run", ["plan"], at(f"postgresql://127.0.0.1:{free_port()}/infra")
        yield "no password", ["plan"], at(tcp)
        yield "a wrong password", ["plan"], at(tcp, HADEPLOY_STATE_PASSWORD="wrong-pw-123")
        yield "no such database", ["plan"], at(server.url("s").replace("/postgres?", "/nowhere?"))
        yield "no such role", ["plan"], at(server.url("s", user="nobody"))
        yield "TLS refused", ["plan"], at(tcp + "?sslmode=require", HADEPLOY_STATE_PASSWORD=PASSWORD)
        yield "a server that only PGHOST names", ["plan"], at(
            "postgresql://ann@/postgres", HADEPLOY_STATE_PASSWORD=PASSWORD, PGHOST="127.0.0.1", PGPORT=str(server.port))
        authority = self.enable_tls()
        given = {"HADEPLOY_STATE_PASSWORD": PASSWORD}
        yield "no certificate of the authority", ["plan"], at(tcp + "?sslmode=verify-full", **given)
        other = self.path.parent / "other.crt"
        self.make_certificate(self.path.parent / "other.key", other)
        yield "another authority", ["plan"], at(f"{tcp}?sslmode=verify-full&sslrootcert={other}", **given)
        verified = f"{tcp}?sslmode=verify-full&sslrootcert={authority}&schema=none"
        self.hadeploy("plan", **at(verified, **given))
        yield "a certificate of another host", ["plan"], at(
            verified.replace("@127.0.0.1", "@localhost"), **given)
        old = OldServer()
        old.start()
        yield "an old server", ["plan"], at(f"postgresql://127.0.0.1:{old.port}/infra")
        old.listener.close()
        server.sql("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
        yield "another encoding", ["plan"], at(server.url("s").replace("/postgres?", "/latin?"))
        yield "no right to create a schema", ["apply", "--auto-approve"], at(server.url("s", user="bob"))
        server.sql("CREATE SCHEMA closed; GRANT USAGE ON SCHEMA closed TO bob")
        yield "no right to create tables", ["apply", "--auto-approve"], at(server.url("closed", user="bob"))
        self.hadeploy("apply", "--auto-approve", **self.shared("golden"))
        yield "no right to read", ["plan"], at(server.url("golden", user="bob"))
        yield "no key", ["plan"], {"HADEPLOY_STATE": server.url("golden")}
        yield "another key", ["plan"], {"HADEPLOY_STATE": server.url("golden"), "HADEPLOY_STATE_KEY": KEY.replace("a2V5a", "AAAAa", 1)}
        (self.path / "hadeploy.yaml").write_text(SPEC.replace("name: shop", "name: bakery"))
        yield "another project's schema", ["plan"], at(server.url("golden"))
        (self.path / "hadeploy.yaml").write_text(SPEC)
        server.sql("CREATE SCHEMA app; CREATE TABLE app.t (x int)")
        yield "a schema of something else", ["apply", "--auto-approve"], at(server.url("app"))
        server.sql("UPDATE golden.project SET epoch = epoch + 1, expires_at = now() + interval '1 hour', owner = "
                   "'{\"pid\":7,\"host\":\"build-7\",\"user\":\"ann\",\"boot_id\":\"x\",\"command\":\"apply\",\"since_ms\":0}'")
        yield "a lease that somebody else holds", ["apply", "--auto-approve"], at(server.url("golden"))
        server.sql("UPDATE golden.project SET expires_at = '-infinity'; UPDATE golden.hadeploy SET version = 7")
        yield "a newer schema", ["plan"], at(server.url("golden"))
        server.sql("UPDATE golden.hadeploy SET version = 3; ALTER ROLE hadeploy SET default_transaction_read_only = on")
        yield "a server that only reads", ["apply", "--auto-approve"], at(server.url("golden"))
        server.run(server.psql, "-X", "-h", server.directory, "-p", server.port, "-U", "hadeploy", "-d", "postgres", "-c",
                   "SET default_transaction_read_only = off", "-c", "ALTER ROLE hadeploy RESET default_transaction_read_only")
        yield "a state that is not there", ["state", "rm", "word"], at(server.url("nothing"))
        yield from self.moves(key)
        for name, section in (("a spec with an expression in the URL", '"postgresql://db/${var.x}"'),
                              ("a spec without a URL", "{password: x}"),
                              ("a spec with a password", f"{{url: 'postgresql://db/infra', password: {PASSWORD}}}"),
                              ("a spec with a password in the URL", f"postgresql://ann:{PASSWORD}@db/infra"),
                              ("a spec with another key", "{url: 'postgresql://db/infra', schema: x}"),
                              ("a spec with an unknown file of secrets",
                               "{url: 'postgresql://db/infra', password: '${secret.db.pw}'}")):
            (self.path / "hadeploy.yaml").write_text(SPEC + f"state: {section}\n")
            yield name, ["validate"], key

    def moves(self, key):
        url, other = self.server.url("to"), self.server.url("golden")
        move = ["state", "migrate", ".hadeploy/state.db"]
        yield "a move of a state that is not there", move + [url], key
        self.hadeploy("apply", "--auto-approve", **key)
        yield "a move to a file that is not used", move + ["elsewhere.db"], key
        yield "a move to where it is", move + [".hadeploy/../.hadeploy/state.db"], key
        yield "a move to another scheme", move + ["mysql://db/infra"], key
        yield "a move to a URL with a password", move + [f"postgresql://ann:{PASSWORD}@db/infra"], key
        yield "a move to nowhere", ["state", "migrate", ".hadeploy/state.db"], key
        yield "a move to another state", move + [other], key
        self.server.sql("UPDATE golden.project SET epoch = epoch + 1, expires_at = now() + interval '1 hour', owner = "
                        "'{\"pid\":7,\"host\":\"build-7\",\"user\":\"ann\",\"boot_id\":\"x\",\"command\":\"apply\",\"since_ms\":0}'")
        yield "a move to a state that is in use", move + [other], key
        self.server.sql("UPDATE golden.project SET expires_at = '-infinity'")
        self.hadeploy(*move, url, **key)
        yield "a moved state", ["apply", "--auto-approve"], key
        yield "a move to a third place", move + [self.server.url("third")], key
        self.server.sql("DROP SCHEMA \"to\" CASCADE")
        yield "a moved state that is gone", move + [url], key

    @staticmethod
    def make_certificate(key, certificate):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=test", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL, timeout=60)

    def enable_tls(self):
        key, certificate = (self.server.directory / name for name in ("tls.key", "tls.crt"))
        self.make_certificate(key, certificate)
        key.chmod(0o600)
        certificate.chmod(0o644)
        if self.server.user:
            os.chown(key, self.server.user["user"], self.server.user["group"])
        for setting in (f"ssl_key_file = '{key}'", f"ssl_cert_file = '{certificate}'", "ssl = on"):
            self.server.sql(f"ALTER SYSTEM SET {setting}")
        self.server.sql("SELECT pg_reload_conf()")
        return certificate

    def plain(self, text):
        for found, shown in ((str(self.server.directory), "SOCKET"), (str(self.server.port), "PORT"),
                             (str(self.path), "DIR"), (str(self.path.parent), "HOME")):
            text = text.replace(found, shown)
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
        text = re.sub(r"port \d+", "port PORT", text)
        text = re.sub(r'file "[^"]*/root.crt"', 'file "HOME/.postgresql/root.crt"', text)
        text = re.sub(r"expires in \d+ s", "expires in N s", text)
        return re.sub(r"^\[ *[\d.]+s\] .*\n", "", text, flags=re.M)

    def test_invalid_input(self):
        said = ""
        for name, words, environment in self.cases():
            code, text = self.hadeploy(*words, status=None, **environment)
            self.assertNotEqual(code, 0, f"{name}: {text}")
            self.assertNotIn(PASSWORD, text, name)
            self.assertNotIn("wrong-pw-123", text, name)
            said += f"== {name}: {code}\n{self.plain(text)}"
        if os.environ.get("HADEPLOY_ACCEPT"):
            GOLDEN.write_text(said)
        self.maxDiff = None
        self.assertEqual(said, GOLDEN.read_text())

    def test_a_standby(self):
        """A real standby can be read. A write names the remedy."""
        self.hadeploy("apply", "--auto-approve", **self.shared("copied"))
        copy = Standby(self.server)
        self.addCleanup(copy.close)
        standby = {**self.shared("copied"), "HADEPLOY_STATE": copy.url("copied")}
        self.assertEqual(self.hadeploy("state", "list", **standby).split(), ["script", "word"])
        said = self.hadeploy("apply", "--auto-approve", status=1, **standby)
        self.assertIn("read-only transaction", said)
        self.assertIn("target_session_attrs=read-write", said)


if __name__ == "__main__":
    skips.main()
