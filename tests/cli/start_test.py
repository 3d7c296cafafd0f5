#!/usr/bin/env python3
"""The first steps: `init` with each template, what `doctor` reports, and the hints without a project.

usage: start_test.py HADEPLOY [unittest options]
"""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import own_sshd
import skips
from local_project import HADEPLOY, Project

SOURCE = pathlib.Path(__file__).resolve().parents[2]
IMAGES = pathlib.Path(HADEPLOY).parent / "images"
SSHD = "import os, sys; os.mkdir('/run/sshd'); os.execv('/usr/sbin/sshd', ['/usr/sbin/sshd', '-D', '-f', sys.argv[1]])"
TEMPLATES = sorted(path.parent.name for path in (SOURCE / "templates").glob("*/hadeploy.yaml"))
NOT_THERE = "qemu+unix:///system?socket=/nowhere/libvirt-sock"
NODE = """
resources:
  lab: {type: libvirt.network, cidr: 10.91.0.0/24}
  pool: {type: libvirt.pool, name: %(pool)s}
  base: {type: libvirt.volume, pool: "${pool.name}", bootstrap: {size: 8 GiB}}
"""
HOST = "resources: {box: {type: ssh.host, address: 192.0.2.1, user: ops, trust_on_first_use: true%s}}\n"


class Case(Project):
    def init(self, template, directory=None, code=0):
        return self.run_it("init", "--template", template, directory or template, code=code)

    def doctor(self, code=0, env=None, words=()):
        """The prerequisites by area and name."""
        text = self.run_it("doctor", "--json", *words, code=code, env=env)
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        self.assertEqual(lines[-1]["type"], "doctor", text)
        return {(line["area"], line["name"]): line for line in lines[:-1]}

    def is_missing(self, found, area, name, message="", fix=""):
        line = found[area, name]
        self.assertEqual(line["status"], "missing", line)
        self.assertIn(message, line["@message"])
        self.assertIn(fix, line["fix"])


class InitTest(Case):
    def test_each_template_gives_a_valid_project(self):
        self.assertEqual(TEMPLATES, ["aws", "existing", "ha3", "minimal", "single"])
        for name in TEMPLATES:
            with self.subTest(name):
                if name == "ha3" and not (IMAGES / "web.tar").exists():
                    self.assertIn("needs the images of the demo app", self.init(name, code=1))
                    continue
                said = self.init(name, f"my {name}")
                self.assertIn(f"  cd 'my {name}'\n  hadeploy doctor", said)
                project = f"my {name}"
                self.assertIn(f"\nname: my-{name}\n", self.read(f"{project}/hadeploy.yaml"))
                self.assertIn("/.hadeploy/", self.read(f"{project}/.gitignore"))
                self.assertEqual((self.path / project / "hadeploy.yaml").stat().st_mode & 0o777, 0o644)
                self.assertEqual((self.path / project).stat().st_mode & 0o777, 0o755)
                self.run_it("validate", project)
                self.run_it("fmt", "--check", project)
                self.assertFalse(self.there(f"{project}/.hadeploy"))

    def test_names_that_a_shell_or_a_terminal_would_interpret(self):
        self.assertIn("  cd 'it'\\''s'\n", self.init("minimal", "it's"))
        self.assertIn("  cd web-1/x.y\n", self.init("minimal", "web-1/x.y"))
        said = self.init("minimal", "a\nb\x1b[2J", code=64)
        self.assertIn("contains a control character", said)
        self.assertNotIn("\x1b", said)
        self.assertIn('there is no template ""', self.init("", "web", code=64))
        self.assertFalse(self.there("web"))

    def test_the_templates_are_valid_in_the_source_tree_too(self):
        for name in TEMPLATES:
            with self.subTest(name):
                if name == "ha3" and not (IMAGES / "web.tar").exists():
                    continue
                images = ["--var", f"images={IMAGES}"] if name == "ha3" else []
                self.run_it("validate", str(SOURCE / "templates" / name), *images)

    def test_the_spec_of_each_template_begins_with_its_summary(self):
        said = self.init("minimal")
        for name in TEMPLATES:
            first = (SOURCE / "templates" / name / "hadeploy.yaml").read_text().split("\n")[0]
            self.assertRegex(first, r"^# [A-Z].*[.)]$")
            (self.assertNotIn if name == "minimal" else self.assertIn)(first[2:], said)

    def test_minimal_is_the_default_and_can_be_applied(self):
        self.run_it("init")
        text = self.run_it("plan")
        self.assertIn("Plan: 6 to create", text)
        self.apply()
        self.assertRegex(self.read("notes/ann.txt"), r"^Hello, ann! Your number is \d+\.\n$")
        self.run_it("plan", "--detailed-exitcode")
        self.assertEqual(len(self.run_it("output", "--raw", "--show-secrets", "password")), 20)
        self.run_it("destroy", "--auto-approve")
        self.assertFalse(self.there("notes"))

    def planned_on_the_test_driver(self, name, creates):
        self.init(name)
        spec = self.path / name / "hadeploy.yaml"
        spec.write_text(spec.read_text() + "\nproviders: {libvirt: {uri: \"test:///default\"}}\n")
        text = self.run_it("plan", "--chdir", name)
        self.assertIn(f"Plan: {creates} to create", text)

    def test_single_is_planned(self):
        self.planned_on_the_test_driver("single", 8)

    def test_ha3_is_planned(self):
        if not (IMAGES / "web.tar").exists():
            self.skipTest("the images of the demo app are not built")
        self.planned_on_the_test_driver("ha3", 52)
        self.assertTrue(self.there("ha3/modules/ha-demo/stack.yml"))

    def test_existing_is_planned_on_a_real_host(self):
        if os.geteuid() != 0 or not shutil.which("unshare") or not os.path.exists("/usr/sbin/sshd"):
            self.skipTest("needs root, unshare and sshd")
        key = self.path / ".ssh" / "id_ed25519"
        key.parent.mkdir(mode=0o700)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        port = own_sshd.prepare(self.path / "sshd", key)
        (self.path / ".ssh" / "config").write_text(f"Host 127.0.0.1\n  Port {port}\n")
        server = own_sshd.start(self.path / "sshd", port, SSHD, str(self.path / "sshd" / "sshd_config"))
        self.addCleanup(lambda: (server.kill(), server.wait()))
        self.init("existing")
        text = self.run_it("plan", "--chdir", "existing", "--var", "machines={node1: 127.0.0.1}")
        self.assertIn("create", text)
        self.assertIn("app", text)

    def test_nothing_is_replaced(self):
        self.write("hadeploy.yaml", "mine\n")
        text = self.run_it("init", code=64)
        self.assertIn("hadeploy.yaml exists", text)
        self.assertIn("continue with `hadeploy plan`", text)
        self.assertEqual(self.read("hadeploy.yaml"), "mine\n")
        self.write("other/stack.yml", "mine\n")
        self.assertIn("stack.yml exists", self.init("existing", "other", code=64))
        self.assertEqual(sorted(os.listdir(self.path / "other")), ["stack.yml"])
        (self.path / "linked").mkdir()
        (self.path / "linked" / "hadeploy.yaml").symlink_to("../outside")
        self.assertIn("exists", self.init("minimal", "linked", code=64))
        self.assertFalse(self.there("outside"))

    def test_an_existing_gitignore_is_kept(self):
        self.write(".gitignore", "*.o\n")
        self.assertIn("add the line /.hadeploy/ to it", self.run_it("init"))
        self.assertEqual(self.read(".gitignore"), "*.o\n")
        self.write("other/.gitignore", "*.o\n.hadeploy\n")
        self.assertNotIn("add the line", self.run_it("init", "other"))

    def test_a_directory_that_cannot_be_written(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("needs root and setpriv")
        self.path.chmod(0o755)
        for words, message in ((["init"], f"cannot write to the directory \"{self.path}\""),
                               (["init", "a/b"], "the directory a/b cannot be created")):
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", HADEPLOY, *words],
                                  cwd=self.path, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)
            self.assertIn("hint: name a directory that this user can write to", done.stderr)
        self.assertEqual(os.listdir(self.path), [])

    def test_names_of_projects(self):
        for directory, name in (("Web Shop", "web-shop"), ("3nodes", "project3nodes"), ("_", "project"),
                                ("null", "projectnull"), ("a.b", "a-b"), ("d\u00e9j\u00e0", "d-j"),
                                ("x" * 100, "x" * 63)):
            with self.subTest(directory):
                self.init("minimal", directory)
                self.assertIn(f"\nname: {name}\n", self.read(f"{directory}/hadeploy.yaml"))
                self.run_it("validate", directory)

    def test_json(self):
        line = json.loads(self.run_it("init", "--json", "deep/er"))
        self.assertEqual((line["type"], line["template"]), ("init", "minimal"))
        self.assertEqual(line["directory"], str(self.path / "deep" / "er"))
        self.assertEqual(sorted(line["files"]), [".gitignore", "hadeploy.yaml"])


class DoctorTest(Case):
    def test_a_project_without_needs(self):
        self.run_it("init")
        text = self.run_it("doctor")
        self.assertIn("This machine has everything that the spec needs.", text)
        self.assertNotIn("libvirt", text)
        self.apply()
        self.assertIn("state.db can be opened", self.run_it("doctor"))

    def test_a_repository_that_would_take_the_keys(self):
        self.run_it("init")
        subprocess.run(["git", "init", "--quiet"], cwd=self.path, check=True)
        self.assertNotIn("git does not exclude", self.run_it("doctor"))
        (self.path / ".gitignore").unlink()
        self.assertIn("git does not exclude .hadeploy/", self.run_it("doctor"))
        self.assertIn("add the line /.hadeploy/ to .gitignore", self.run_it("doctor"))

    def test_without_a_spec_nothing_is_required(self):
        found = self.doctor(env={"AWS_EC2_METADATA_DISABLED": "true"})
        self.assertEqual({area for area, _ in found}, {"state", "libvirt", "ssh", "aws"})
        self.assertEqual(found["aws", "credentials"]["status"], "optional")
        text = self.run_it("doctor", env={"AWS_EC2_METADATA_DISABLED": "true"})
        self.assertIn("`hadeploy init` creates a project", text)

    def test_a_directory_that_does_not_exist(self):
        self.assertIn("nowhere/hadeploy.yaml", self.run_it("--chdir", "nowhere", "doctor", code=65))

    def test_libvirt_that_does_not_run(self):
        self.spec(f"providers: {{libvirt: {{uri: \"{NOT_THERE}\"}}}}\n" + NODE % {"pool": "x"})
        found = self.doctor(code=1)
        self.is_missing(found, "libvirt", "libvirt", "Failed to connect socket")
        self.assertNotIn("hadeploy doctor", found["libvirt", "libvirt"]["fix"])
        text = self.run_it("doctor", code=1)
        self.assertRegex(text, r"missing +libvirt +cannot connect")
        self.assertRegex(text, r"fix: \S")
        self.assertIn("`hadeploy doctor` reports everything", self.run_it("plan", code=69))

    def test_everything_is_reported_while_libvirt_does_not_run(self):
        self.init("single")
        spec = self.path / "single" / "hadeploy.yaml"
        spec.write_text(spec.read_text() + f"\nproviders: {{libvirt: {{uri: \"{NOT_THERE}\"}}}}\n")
        found = self.doctor(code=1, words=["--chdir", "single"])
        self.assertLessEqual({"libvirt", "QEMU", "memory", "dnsmasq", "disk space", "base image", "image cache"},
                             {name for area, name in found if area == "libvirt"})
        self.assertIn("without systemd", found["libvirt", "libvirt"]["fix"])
        self.assertIn(found["libvirt", "libvirt"]["fix"], self.run_it("plan", "--chdir", "single", code=69))
        self.assertIn("1 machine of the spec needs 1 GiB", found["libvirt", "memory"]["@message"])

    def test_libvirt_and_kvm_that_are_not_there(self):
        """In a mount namespace without /dev/kvm, where empty files hide the programs."""
        if os.geteuid() != 0 or not shutil.which("unshare") or not os.path.exists("/dev/kvm"):
            self.skipTest("needs root, unshare and /dev/kvm")
        self.init("single")
        hide = ("set -e; mount -t tmpfs none /dev; mount -t tmpfs none /run\n"
                "for program in libvirtd virtqemud dnsmasq mmdebstrap qemu-system-$(uname -m); do\n"
                "  for place in /usr/sbin /usr/bin; do\n"
                "    if [ -e $place/$program ]; then mount --bind /var/empty $place/$program; fi\n"
                "  done\ndone\nexec \"$@\"\n")
        empty = self.path / "empty"
        empty.touch(mode=0o644)
        done = subprocess.run(["unshare", "-m", "sh", "-c", hide.replace("/var/empty", str(empty)), "sh", HADEPLOY,
                               "--chdir", "single", "doctor"], cwd=self.path, capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.path)})
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, 1, text)
        for line, fix in ((r"missing +libvirt ", "apt-get install libvirt-daemon-system libvirt-clients"),
                          (r"missing +QEMU +there is no emulator", "apt-get install qemu-system-"),
                          (r"limited +KVM +there is no /dev/kvm", "modprobe -a kvm_intel kvm_amd"),
                          (r"missing +dnsmasq ", "apt-get install dnsmasq-base"),
                          (r"missing +base image +to build it, mmdebstrap is missing",
                           "apt-get install mmdebstrap")):
            self.assertRegex(text, rf"{line}.*\n +fix: {fix}")
        self.assertIn("4 of 10 prerequisites are missing", text)

    def test_a_secret_uri_is_not_shown(self):
        self.spec("variables: {u: {type: string, secret: true}}\n"
                  "providers: {libvirt: {uri: \"${var.u}\"}}\n" + NODE % {"pool": "x"})
        text = self.run_it("doctor", "--var", "u=qemu+unix:///system?socket=/nowhere/hidden-part", code=1)
        self.assertIn("its `uri` is secret", text)
        self.assertNotIn("hidden-part", text)

    def test_tools_that_build_an_image(self):
        self.spec("providers: {libvirt: {uri: \"test:///default\"}}\n" + NODE % {"pool": "x"})
        tools = self.path / "tools"
        tools.mkdir()
        (tools / "apt-get").symlink_to("/bin/true")
        found = self.doctor(code=1, env={"PATH": str(tools)})
        self.is_missing(found, "libvirt", "base image", "mmdebstrap", "apt-get install")
        self.assertIn("mmdebstrap", found["libvirt", "base image"]["fix"])
        for name in ("bash", "mmdebstrap", "qemu-img", "cpio", "xz", "zstd", "mke2fs"):
            if not (tools / name).exists():
                (tools / name).symlink_to("/bin/true")
        if os.geteuid() == 0:
            found = self.doctor(env={"PATH": str(tools)})
            self.assertEqual(found["libvirt", "base image"]["status"], "met")
        found = self.doctor(code=1, env={"PATH": str(self.path)})
        self.is_missing(found, "libvirt", "base image", "which this machine does not have")

    def test_tools_that_build_an_image_from_packages(self):
        tools = self.path / "tools"
        tools.mkdir()
        name = ("ssh", "images from packages")

        def doctor(path, code=1):
            self.spec("resources: {image: {type: docker.image, name: web, host: {address: 192.0.2.1}, packages: "
                      "{suite: bookworm, install: [jq]}}}\n")
            return self.doctor(code=code, env={"PATH": str(path)})

        self.is_missing(doctor(self.path), *name, "apt, which this machine does not have", "run hadeploy on Debian")
        (tools / "apt-get").symlink_to("/bin/true")
        self.is_missing(doctor(tools), *name, "mmdebstrap is missing", "apt-get install mmdebstrap")
        (tools / "mmdebstrap").symlink_to("/bin/true")
        if os.geteuid() == 0:
            self.assertEqual(doctor(tools, code=0)[name]["status"], "met")
        self.spec("")
        self.assertNotIn(name, self.doctor(env={"PATH": str(self.path)}))

    def test_too_little_memory(self):
        shutil.copy(SOURCE / "tests/cli/catalogue/libvirt-not-enough-memory/hadeploy.yaml", self.path)
        found = self.doctor(code=1)
        self.is_missing(found, "libvirt", "memory", "the host has 3 GiB", "reduce `memory`")

    def test_memory_of_machines_that_run_already(self):
        """In a node of libvirt's test driver. Only the project's own machine with a name of the spec counts."""
        shutil.copy(SOURCE / "tests/cli/catalogue/libvirt-not-enough-memory/hadeploy.yaml", self.path)
        domain = ("<domain type='test'><name>%s</name><memory>%s</memory><os><type>hvm</type></os><metadata>"
                  "<hadeploy:object xmlns:hadeploy='urn:hadeploy:object' project='%s' address='a'/></metadata>"
                  "</domain>")
        node = self.path / "node.xml"
        node.write_text("<node>%s</node>" % "".join(domain % words for words in (
            ("node1", 1 << 20, "test"), ("node2", 1 << 20, "other"), ("node9", 1 << 20, "test"))))
        spec = self.path / "hadeploy.yaml"
        spec.write_text(spec.read_text().replace("test:///default", f"test://{node}"))
        self.is_missing(self.doctor(code=1), "libvirt", "memory",
                        "5 machines of the spec need 5 GiB, of which those that run have 1 GiB")

    def test_keys(self):
        self.spec(HOST % "")
        name = "key for ops@192.0.2.1:22"
        self.is_missing(self.doctor(code=1), "ssh", name, "no SSH agent answers", "ssh-keygen")
        key = self.path / ".ssh" / "id_ed25519"
        key.parent.mkdir(mode=0o700)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "word", "-f", key], check=True)
        self.is_missing(self.doctor(code=1), "ssh", name, "passphrase", f"ssh-add {key}")
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "word", "-N", "", "-f", key], check=True)
        self.assertEqual(self.doctor()["ssh", name]["@message"], str(key))

    def test_a_key_file_of_the_spec(self):
        self.spec(HOST % ", private_key_file: mine")
        name = "key for ops@192.0.2.1:22"
        self.is_missing(self.doctor(code=1), "ssh", name, "mine cannot be read", "ssh-keygen")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path / "mine"], check=True)
        self.doctor()
        (self.path / "mine").chmod(0o644)
        self.is_missing(self.doctor(code=1), "ssh", name, "accessible to other users", "chmod 600")

    def test_keys_in_an_agent(self):
        self.spec(HOST % "")
        key = self.path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", self.path / "agent"], stdout=subprocess.DEVNULL)
        self.addCleanup(lambda: (agent.terminate(), agent.wait()))
        env = {"SSH_AUTH_SOCK": str(self.path / "agent")}
        for _ in range(100):
            done = subprocess.run(["ssh-add", "-q", key], env={**os.environ, **env}, capture_output=True)
            if done.returncode == 0:
                break
        self.assertEqual(done.returncode, 0, done.stderr)
        found = self.doctor(env=env)
        self.assertEqual(found["ssh", "key for ops@192.0.2.1:22"]["@message"], "1 key in the SSH agent")

    def test_hosts_with_the_same_key_are_one_line(self):
        self.spec("resources: {box: {type: ssh.host, for_each: {a: 192.0.2.1, b: 192.0.2.2, c: 192.0.2.3}, "
                  "address: \"${each.value}\", trust_on_first_use: true}}\n")
        found = self.doctor(code=1)
        self.assertEqual([name for area, name in found if area == "ssh"],
                         ["key for root@192.0.2.1:22 and 2 more"])

    def test_credentials_of_aws(self):
        self.spec("resources: {net: {type: aws.vpc, cidr: 10.1.0.0/16, region: eu-central-1}}\n")
        env = {"AWS_EC2_METADATA_DISABLED": "true"}
        found = self.doctor(code=1, env=env)
        self.is_missing(found, "aws", "credentials in eu-central-1", "no AWS credentials", "AWS_PROFILE")
        self.assertNotIn("hadeploy doctor", found["aws", "credentials in eu-central-1"]["fix"])

    def test_the_directory_of_the_state(self):
        self.run_it("init")
        self.apply()
        (self.path / ".hadeploy").chmod(0o777)
        self.is_missing(self.doctor(code=1), "state", "directory", "", "chmod")

    def test_a_state_without_its_key(self):
        self.run_it("init")
        self.apply()
        (self.path / ".hadeploy" / "state.db.key").unlink()
        self.is_missing(self.doctor(code=1), "state", "state", "key")

    def test_a_database_that_does_not_respond(self):
        self.run_it("init")
        found = self.doctor(code=1, words=["--state", "postgresql://u@127.0.0.1:1/db"])
        self.is_missing(found, "state", "state")

    def test_nothing_is_changed(self):
        self.run_it("init")
        before = sorted(self.path.rglob("*"))
        self.run_it("doctor")
        self.assertEqual(sorted(self.path.rglob("*")), before)


class NextStepTest(Case):
    def test_without_a_command(self):
        self.assertIn("`hadeploy init` creates one", self.run_it())
        self.run_it("init")
        self.assertIn("`hadeploy plan` shows what apply would do", self.run_it())

    def test_without_a_project(self):
        for command in ("plan", "apply", "status", "validate"):
            with self.subTest(command):
                self.assertIn("`hadeploy init`", self.run_it(command, code=65))

    def test_mistyped(self):
        self.assertIn('did you mean "doctor"?', self.run_it("docter", code=64))
        self.assertIn('did you mean "minimal"?', self.run_it("init", "--template", "minima", code=64))
        self.assertIn("there are: aws, existing, ha3, minimal, single",
                      self.run_it("init", "--template", "kubernetes", code=64))


if __name__ == "__main__":
    skips.main()
