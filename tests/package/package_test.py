#!/usr/bin/env python3
"""The installed tree, the Debian package, and the package in a clean Debian root.

usage: package_test.py BUILD [--root] [unittest options]

Without --root: builds the package with cpack from a finished build, checks its fields and files, unpacks it and uses
the program in it. With --root: installs the package with apt into a root directory that mmdebstrap creates and
removes (needs root, and the mirror of this machine's apt).
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[2]
IN_ROOT = "--root" in sys.argv
if IN_ROOT:
    sys.argv.remove("--root")
sys.path.insert(0, str(SOURCE / "tests" / "cli"))
import skips  # noqa: E402

TEMPLATES = ("aws", "existing", "ha3", "minimal", "single")
FILES = [
    "usr/bin/hadeploy",
    "usr/lib/systemd/system/hadeploy-watch@.service",
    "usr/share/bash-completion/completions/hadeploy",
    "usr/share/fish/vendor_completions.d/hadeploy.fish",
    "usr/share/zsh/vendor-completions/_hadeploy",
    "usr/share/man/man1/hadeploy.1",
    "usr/share/doc/hadeploy/README.md",
    "usr/share/doc/hadeploy/copyright",
    "usr/share/doc/hadeploy/docs/reference.md",
    "usr/share/hadeploy/modules/ha-demo/module.yaml",
    "usr/share/hadeploy/modules/ha-demo/stack.yml",
    "usr/share/hadeploy/examples/ha-demo/hadeploy.yaml",
    "usr/share/hadeploy/examples/local-stack/server.conf.tmpl",
    "usr/share/hadeploy/templates/minimal/hadeploy.yaml",
    *(f"usr/share/hadeploy/images/{name}.tar" for name in ("web", "database", "logger", "visualizer", "docker-reader")),
    "usr/share/hadeploy/services/hello",
]


def run(*argv, **more):
    return subprocess.run([str(a) for a in argv], check=False, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1500, **more)


def setUpModule():
    """Builds the package once for all cases."""
    global made, package
    directory = tempfile.TemporaryDirectory(prefix="hadeploy-package-")
    unittest.addModuleCleanup(directory.cleanup)
    made = pathlib.Path(directory.name)
    if not shutil.which("dpkg-shlibdeps"):
        raise unittest.SkipTest("needs dpkg-shlibdeps (dpkg-dev)")
    done = run("cpack", "-G", "DEB", "-B", made / "cpack", "--config", BUILD / "CPackConfig.cmake", cwd=made)
    assert done.returncode == 0, done.stdout
    packages = list((made / "cpack").glob("*.deb"))
    assert len(packages) == 1, packages
    package = packages[0]


class Case(unittest.TestCase):
    def good(self, *argv, **more):
        done = run(*argv, **more)
        self.assertEqual(done.returncode, 0, f"{argv}: {done.stdout}")
        return done.stdout


class PackageTest(Case):
    @classmethod
    def setUpClass(cls):
        cls.tree = made / "tree"
        subprocess.run(["dpkg-deb", "-x", package, cls.tree], check=True)
        cls.home = made / "home"
        cls.home.mkdir()

    def hadeploy(self, *words, cwd=None):
        return self.good(self.tree / "usr/bin/hadeploy", *words, cwd=cwd or self.home,
                         env={"PATH": os.environ["PATH"], "HOME": str(self.home)})

    def field(self, name):
        return self.good("dpkg-deb", "-f", package, name).strip()

    def test_its_name_is_the_usual_one(self):
        version = re.search(r"project\(hadeploy VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text())[1]
        self.assertRegex(package.name, rf"^hadeploy_{re.escape(version)}_\w+\.deb$")
        self.assertEqual(self.field("Version"), version)

    def test_it_depends_on_what_is_linked(self):
        depends = self.field("Depends")
        for library in ("libc6 (>=", "libssh2-1", "libyaml-cpp", "libsqlite3-0", "libsodium"):
            self.assertIn(library, depends)
        recommends = self.field("Recommends")
        for library in ("libvirt0", "libcurl", "libarchive13", "libpq5", "libedit2"):
            self.assertIn(library, recommends)
            self.assertNotIn(library, depends)

    def test_its_files(self):
        entries = {}
        for line in self.good("dpkg-deb", "-c", package).splitlines():
            mode, owner, _, _, _, path = line.split(None, 5)
            entries[path.removeprefix("./")] = mode
            self.assertEqual(owner, "root/root", path)
            self.assertNotRegex(mode, r"^.....w|^........w", f"{path} can be written by other users")
        for file in FILES:
            self.assertIn(file, entries)
        self.assertEqual(entries["usr/bin/hadeploy"], "-rwxr-xr-x")
        self.assertEqual(entries["usr/share/hadeploy/examples/aws-ha-web/new-secrets"], "-rwxr-xr-x")
        self.assertEqual(entries["usr/share/hadeploy/examples/aws-ha-web/hadeploy.yaml"], "-rw-r--r--")
        self.assertNotIn("usr/share/hadeploy/examples/aws-ha-web/secrets.yaml", entries)  # those of a developer
        for path in entries:
            self.assertRegex(path, r"^(|usr/|usr/(bin|lib|share)/.*)$")
            self.assertNotRegex(path, r"/(\.hadeploy|\.git|include|cmake)/")

    def test_its_texts_name_no_build_directory(self):
        for path in self.tree.rglob("*"):
            if path.is_file() and path.suffix not in (".tar", ".png"):
                self.assertNotIn(str(BUILD).encode(), path.read_bytes(), path)
            if path.name == "hadeploy.yaml":
                self.assertNotIn("build/release", path.read_text(), path)

    def test_the_unit_names_the_installed_program(self):
        unit = (self.tree / "usr/lib/systemd/system/hadeploy-watch@.service").read_text()
        self.assertIn("ExecStart=/usr/bin/hadeploy watch", unit)

    def test_the_completions_are_those_of_the_program(self):
        for shell, path in (("bash", "bash-completion/completions/hadeploy"),
                            ("zsh", "zsh/vendor-completions/_hadeploy"),
                            ("fish", "fish/vendor_completions.d/hadeploy.fish")):
            self.assertEqual((self.tree / "usr/share" / path).read_text(), self.hadeploy("completion", shell))

    def test_each_template_gives_a_project(self):
        for name in TEMPLATES:
            with self.subTest(name):
                self.hadeploy("init", "--template", name, name)
                self.hadeploy("validate", name)
        images = self.tree / "usr/share/hadeploy/images"
        self.assertIn(f"default: {images}\n", (self.home / "ha3/hadeploy.yaml").read_text())

    def test_the_installed_examples_are_valid(self):
        for name in ("ha-demo", "ha-demo-existing", "own-stack", "sites", "local-stack", "aws"):
            with self.subTest(name):
                self.hadeploy("validate", self.tree / "usr/share/hadeploy/examples" / name)


class RootTest(Case):
    """The package and its dependencies in a clean Debian root, installed by apt."""

    def apt_of_this_machine(self, suite):
        """Files with the sources of the suite and with the settings to reach them."""
        lines = set()
        for line in self.good("apt-get", "indextargets", "--format",
                              "$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages").splitlines():
            uri, release, component = line.split("|")
            if uri.startswith("mirror+file:"):
                entries = pathlib.Path(uri.removeprefix("mirror+file:")).read_text().split("\n")
                uri = next(entry.split()[0] for entry in entries if entry and not entry.startswith("#"))
            if release in (suite, f"{suite}-updates", f"{suite}-security") and component == "main":
                lines.add(f"deb {uri} {release} main")
        self.assertTrue(lines, "apt has no source of this release")
        sources, options = made / "sources.list", made / "apt.conf"
        sources.write_text("\n".join(sorted(lines)) + "\n")
        options.write_text("\n".join(re.findall(
            r"(?m)^Acquire::(?:https?::Proxy|Check-(?:Valid-Until|Date)|ForceIPv[46]) .*$",
            self.good("apt-config", "dump"))) + "\n")
        return sources, options

    def in_a_root(self, script):
        """The output of a script that runs in a new root directory with the package in /tmp/hadeploy.deb."""
        if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
            self.skipTest("needs root and mmdebstrap")
        suite = re.search(r"(?m)^VERSION_CODENAME=(\S+)", pathlib.Path("/etc/os-release").read_text())[1]
        sources, options = self.apt_of_this_machine(suite)
        use = made / "use"
        use.write_text(script)
        done = run("mmdebstrap", "--quiet", "--mode=root", "--variant=apt", "--format=null", f"--aptopt={options}",
                   f"--customize-hook=copy-in {use} /tmp",
                   f"--customize-hook=cp {package} \"$1/tmp/hadeploy.deb\"",
                   "--customize-hook=chroot \"$1\" sh /tmp/use", suite, "/dev/null", sources)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("all of it was done", done.stdout)
        return done.stdout

    def test_the_image_for_ci(self):
        """The commands of the Containerfile, which no test builds."""
        recipe = (SOURCE / "Containerfile").read_text().replace("\\\n", "")
        self.assertEqual(re.findall(r"(?m)^COPY .*", recipe), ["COPY hadeploy_*.deb /tmp/hadeploy.deb"])
        commands = "\n".join(re.findall(r"(?m)^RUN (.*)", recipe))
        self.in_a_root(f"""set -eu
export HOME=/root LC_ALL=C.UTF-8
# as in the image of Debian; mmdebstrap has switched recommended packages off
echo 'APT::Install-Recommends "true";' >/etc/apt/apt.conf.d/zz-recommended
{commands}
[ ! -e /tmp/hadeploy.deb ]
git --version
ssh -V
cd /root
hadeploy init --template ha3 ha3
hadeploy validate ha3
hadeploy init demo
cd demo
hadeploy plan --out plan
hadeploy show --markdown plan
hadeploy apply plan
echo all of it was done
""")

    def test_installed_used_and_removed(self):
        self.in_a_root("""set -eu
export HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
apt-get install -q -y /tmp/hadeploy.deb
hadeploy --version
cd /root
hadeploy init demo
cd demo
hadeploy doctor
hadeploy apply --auto-approve
grep -q 'Hello, ann!' notes/ann.txt
hadeploy plan --detailed-exitcode
hadeploy destroy --auto-approve
hadeploy init --template ha3 /root/ha3
# mmdebstrap has switched recommended packages off
if hadeploy validate /root/ha3 2>/root/problems; then exit 1; fi
grep -q 'hint: .*libarchive13' /root/problems
apt-get install -q -y $(dpkg-query -W -f '${Recommends}' hadeploy | tr -d ,)
hadeploy validate /root/ha3
for template in single existing aws; do
    hadeploy init --template $template /root/$template
    hadeploy validate /root/$template
done
if hadeploy --chdir /root/ha3 doctor >/root/report; then exit 1; fi
cat /root/report
grep -q 'fix: apt-get install .*libvirt-daemon-system' /root/report
apt-get remove -q -y hadeploy
if [ -e /usr/bin/hadeploy ] || [ -e /usr/share/hadeploy ]; then exit 1; fi
echo all of it was done
""")


if __name__ == "__main__":
    sys.argv += ["RootTest" if IN_ROOT else "PackageTest"] if len(sys.argv) < 2 else []
    skips.main()
