#!/usr/bin/env python3
"""Several environments of one project: each has its own state, variables and names, and none changes objects of
another one.

usage: environment_test.py HADEPLOY [unittest options]
"""
import json
import os
import shutil
import unittest

import own_sshd
import skips
from local_project import Project

SPEC = """
variables: {replicas: {type: integer, default: 1}}
resources:
  config:
    type: local.file
    path: "out-${env.name}.conf"
    content: "${env.name} ${var.replicas}\\n"
outputs: {name: "${env.name}"}
"""


class EnvironmentProject(Project):
    def setUp(self):
        super().setUp()
        self.spec(SPEC)
        self.write("environments/staging.yaml", "replicas: 2\n")
        self.write("environments/production.yaml", "replicas: 3\n")

    def in_env(self, name, *words, code=0):
        return self.run_it("--env", name, *words, code=code)

    def apply_in(self, name, *words, code=0):
        return self.in_env(name, "apply", "--auto-approve", *words, code=code)


class Environments(EnvironmentProject):
    def test_each_has_its_own_state_variables_and_names(self):
        self.apply_in("staging")
        self.apply_in("production")
        self.assertEqual(self.read("out-staging.conf"), "staging 2\n")
        self.assertEqual(self.read("out-production.conf"), "production 3\n")
        for name in ("staging", "production"):
            text = self.in_env(name, "plan", "--detailed-exitcode")
            self.assertEqual(text.splitlines()[0], f"Environment: {name}")
            self.assertEqual(self.in_env(name, "output", "--raw", "name"), name)
            self.assertTrue(self.there(f".hadeploy/env/{name}/state.db.key"))
        self.assertFalse(self.there(".hadeploy/state.db"))
        text = self.in_env("staging", "destroy", "--auto-approve")
        self.assertEqual(text.splitlines()[0], "Environment: staging")
        self.assertFalse(self.there("out-staging.conf"))
        self.in_env("production", "plan", "--detailed-exitcode")

    def test_a_variable_of_the_shell_chooses_it_and_the_option_wins(self):
        text = self.run_it("plan", env={"HADEPLOY_ENV": "staging"})
        self.assertEqual(text.splitlines()[0], "Environment: staging")
        text = self.run_it("plan", "--env", "production", env={"HADEPLOY_ENV": "staging"})
        self.assertEqual(text.splitlines()[0], "Environment: production")

    def test_values_of_the_command_line_win_over_those_of_the_environment(self):
        self.write("more.yaml", "replicas: 7\n")
        self.assertIn("staging 7", self.in_env("staging", "plan", "--var-file", "more.yaml"))
        self.assertIn("staging 8", self.in_env("staging", "plan", "--var", "replicas=8"))
        text = self.run_it("plan", env={"HADEPLOY_ENV": "staging", "HADEPLOY_VAR_replicas": "9"})
        self.assertIn("staging 2", text)

    def test_every_command_that_uses_a_state_needs_one(self):
        for words in (("plan",), ("apply", "--auto-approve"), ("destroy", "--auto-approve"), ("state", "list"),
                      ("show",), ("history",), ("output",), ("watch", "--once")):
            self.assertIn("which one is meant?", self.run_it(*words, code=64))
        self.assertFalse(self.there(".hadeploy/state.db"))
        for words in (("validate",), ("fmt", "--check"), ("env", "list"), ("docs", "environments")):
            self.run_it(*words)

    def test_the_state_without_a_name_is_that_of_default(self):
        shutil.rmtree(self.path / "environments")
        text = self.apply()
        self.assertNotIn("Environment:", text)
        self.write("environments/staging.yaml", "{}\n")
        self.assertIn("environments/default.yaml", self.run_it("plan", code=64))
        self.write("environments/default.yaml", "{}\n")
        text = self.run_it("plan", "--detailed-exitcode")
        self.assertEqual(text.splitlines()[0], "Environment: default")
        self.in_env("default", "plan", "--detailed-exitcode")

    def test_a_new_file_of_variables_is_noticed_by_the_fast_path(self):
        self.write("environments/default.yaml", "{}\n")
        self.apply()
        self.run_it("plan", "--detailed-exitcode")
        self.write("environments/default.yaml", "replicas: 5\n")
        self.run_it("plan", "--detailed-exitcode", code=2)

    def test_an_object_of_another_environment_is_refused(self):
        self.spec(SPEC.replace("-${env.name}.conf", ".conf"))
        self.apply_in("staging")
        for words in (("plan",), ("apply", "--auto-approve")):
            text = self.in_env("production", *words, code=1)
            self.assertIn("out.conf belongs to the environment \"staging\" (config)", text)
            self.assertIn("${env.name}", text)
        self.assertEqual(self.read("out.conf"), "staging 2\n")
        self.in_env("staging", "destroy", "--auto-approve")
        self.apply_in("production")
        self.assertEqual(self.read("out.conf"), "production 3\n")

    def test_an_object_whose_name_is_known_late_is_refused(self):
        late = """
resources:
  name: {type: local.exec, create: "echo out.conf"}
  config: {type: local.file, path: "${name.outputs.stdout}", content: "${env.name}"}
"""
        self.spec(SPEC.replace("-${env.name}.conf", ".conf"))
        self.apply_in("staging")
        self.spec(late + "variables: {replicas: {type: integer}}\n")
        self.in_env("production", "plan")
        text = self.apply_in("production", code=1)
        self.assertIn("out.conf belongs to the environment \"staging\" (config)", text)
        self.assertEqual(self.read("out.conf"), "staging 2\n")

    def test_the_removal_of_an_object_of_another_environment_is_refused(self):
        """After somebody has copied a state, for example."""
        self.spec(SPEC.replace("-${env.name}.conf", ".conf"))
        self.apply_in("staging")
        there, here = (self.path / ".hadeploy" / "env" / name for name in ("staging", "production"))
        here.mkdir(mode=0o700)
        shutil.copy(there / "state.db.key", here)
        (self.path / "state.json").write_text(self.in_env("staging", "state", "pull"))
        self.in_env("production", "state", "push", "state.json", code=1)
        self.in_env("production", "state", "push", "--force", "state.json")
        text = self.in_env("production", "destroy", "--auto-approve", code=1)
        self.assertIn("belongs to the environment \"staging\" (config)", text)
        self.assertIn("hadeploy state rm config", text)
        self.assertTrue(self.there("out.conf"))

    def test_a_directory_with_files_of_another_environment_is_not_removed(self):
        self.spec("""
resources:
  top: {type: local.directory, path: shared, force: true, count: "${env.name == 'staging' ? 1 : 0}"}
  file: {type: local.file, path: "shared/${env.name}", content: x, depends_on: [top]}
""")
        self.write("environments/staging.yaml", "{}\n")
        self.write("environments/production.yaml", "{}\n")
        self.apply_in("staging")
        self.apply_in("production")
        text = self.in_env("staging", "destroy", "--auto-approve", "--allow-data-loss", code=1)
        self.assertIn("belongs to the environment \"production\" (file)", text)
        self.assertTrue(self.there("shared/production"))

    def test_the_state_of_another_environment_is_refused(self):
        self.apply_in("staging")
        directory = self.path / ".hadeploy" / "env"
        shutil.copytree(directory / "staging", directory / "production")
        text = self.in_env("production", "plan", code=1)
        self.assertIn('belongs to the project "test/staging", not to "test/production"', text)

    def test_a_saved_plan_belongs_to_its_environment(self):
        self.in_env("staging", "plan", "--out", "saved")
        for words in (("apply", "saved"), ("show", "saved")):
            text = self.in_env("production", *words, code=64)
            self.assertIn('is for the environment "staging", and this is "production"', text)
            self.assertIn("add --env staging", text)
        self.assertEqual(self.in_env("staging", "show", "saved").splitlines()[0], "Environment: staging")
        self.assertEqual(self.in_env("staging", "apply", "saved").splitlines()[0], "Environment: staging")
        self.assertEqual(self.read("out-staging.conf"), "staging 2\n")

    def test_a_state_that_cannot_be_read_is_named(self):
        self.apply_in("staging")
        (self.path / ".hadeploy" / "env" / "staging" / "state.db.key").unlink()
        text = self.in_env("production", "plan")
        self.assertIn('note: the plan cannot tell which objects belong to the environment "staging": ', text)

    def test_list(self):
        self.apply_in("staging")
        self.apply_in("production")
        (self.path / "environments" / "production.yaml").unlink()
        self.write("environments/test.yaml", "{}\n")
        self.write("environments/Not an environment.yaml", "")
        self.write("environments/other.yml", "")
        self.write("environments/README.md", "")
        *said, ignored = self.run_it("env", "list").splitlines()
        self.assertEqual(said, ["production  1 resource (environments/production.yaml is missing)",
                                "staging     1 resource", "test        no state yet"])
        self.assertIn("ignored: environments/Not an environment.yaml, environments/other.yml (a file is NAME.yaml;",
                      ignored)
        lines = self.run_it("env", "list", "--json").splitlines()
        self.assertEqual(lines[-1], ignored)
        self.assertEqual(json.loads(lines[1]), {"environment": "staging", "declared": True, "resources": 1})
        self.assertEqual(self.run_it("env", "list"), self.run_it("env"))

    def test_secrets_of_each(self):
        password = self.path / "password"
        password.write_text("a password")
        password.chmod(0o600)
        self.write("secrets/staging.yaml", "db: {password: of-staging}\n")
        self.run_it("vault", "encrypt", "secrets/staging.yaml", "--vault-password-file", str(password))
        self.spec("secrets: {app: \"secrets/${env.name}.yaml\"}\n" +
                  SPEC.replace("${var.replicas}", "${secret.app.db.password}"))
        self.apply_in("staging", "--vault-password-file", str(password))
        self.assertEqual(self.read("out-staging.conf"), "staging of-staging\n")
        self.assertIn("secrets/production.yaml", self.in_env("production", "plan", "--vault-password-file",
                                                             str(password), code=65))

    def test_the_plan_as_json_and_the_history(self):
        text = self.in_env("staging", "plan", "--json")
        self.assertEqual(json.loads(text.splitlines()[-1])["environment"], "staging")
        self.apply_in("staging")
        self.assertIn("apply", self.in_env("staging", "history"))
        self.assertNotIn("apply", self.in_env("production", "history"))
        self.write("environments/staging.yaml", "replicas: 4\n")
        self.apply_in("staging")
        self.in_env("staging", "rollback", "1", "--auto-approve")
        self.assertEqual(self.read("out-staging.conf"), "staging 2\n")


@unittest.skipUnless(os.geteuid() == 0 and os.path.exists("/usr/sbin/sshd"), "needs root and sshd")
class SharedHost(EnvironmentProject):
    """Two environments on one machine with a real sshd."""
    def setUp(self):
        super().setUp()
        machine = self.path / "machine"
        port = own_sshd.serve(self, machine, self.path / "key")
        self.host = (f"{{type: ssh.host, address: 127.0.0.1, port: {port}, user: root, private_key_file: key, "
                     f"host_key: \"{own_sshd.public_key(machine)}\"}}")

    def write_spec(self, path):
        self.spec(f"""
variables: {{replicas: {{type: integer, default: 1}}}}
resources:
  box: {self.host}
  file: {{type: host.file, host: "${{box.connection}}", path: "{self.path}/{path}", content: "${{env.name}}"}}
""")

    def test_names_with_the_environment_do_not_clash(self):
        self.write_spec("made-${env.name}")
        self.apply_in("staging")
        self.apply_in("production")
        self.assertEqual(self.read("made-staging"), "staging")
        self.in_env("staging", "destroy", "--auto-approve")
        self.assertEqual(self.read("made-production"), "production")
        self.in_env("production", "plan", "--detailed-exitcode")

    def test_a_file_of_another_environment_is_not_adopted(self):
        self.write_spec("made")
        self.apply_in("staging")
        text = self.in_env("production", "plan", code=1)
        self.assertIn("made belongs to the environment \"staging\" (file)", text)
        self.assertEqual(self.read("made"), "staging")


if __name__ == "__main__":
    skips.main()
