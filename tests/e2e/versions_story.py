"""New versions on the cluster of ha_demo_test.py: of the app, and of a package of the nodes."""
import contextlib
import hashlib
import io
import json
import shutil
import tarfile
import threading
import time

from cluster import IMAGES, http, wait_until

# Makes another version of the package attr in a repository of the node.
NEWER_PACKAGE = """
set -e
mkdir -p /srv/newer && cd /srv/newer
[ -e attr.deb ] || {
    apt-get -q update >/dev/null
    apt-get -q download attr >/dev/null
    dpkg-deb -R attr_*.deb tree
    sed -i 's/^Version: .*/&+newer1/' tree/DEBIAN/control
    dpkg-deb -b tree attr.deb >/dev/null
    rm -r tree attr_*.deb
}
{ dpkg-deb -f attr.deb; echo "Filename: ./attr.deb"; echo "Size: $(stat -c %s attr.deb)"
  echo "SHA256: $(sha256sum attr.deb | cut -d' ' -f1)"; } >Packages
echo 'deb [trusted=yes] file:/srv/newer ./' >/etc/apt/sources.list.d/newer.list
dpkg-deb -f attr.deb Version
"""


def changed_images(directory, name, change):
    """A directory with the images of the build, and another version of one: `change` gets its configuration."""
    directory.mkdir()
    for archive in IMAGES.glob("*.tar"):
        if archive.stem != name:
            shutil.copy(archive, directory)
    with tarfile.open(IMAGES / f"{name}.tar") as old:
        files = {m.name: old.extractfile(m).read() for m in old.getmembers() if m.isfile()}
    manifest = json.loads(files.pop("manifest.json"))
    config = json.loads(files.pop(manifest[0]["Config"]))
    change(config["config"])
    text = json.dumps(config).encode()
    ident = hashlib.sha256(text).hexdigest()
    manifest[0] |= {"Config": f"{ident}.json", "RepoTags": [f"hadeploy/{name}:{ident[:12]}"]}
    files = {"manifest.json": json.dumps(manifest).encode(), f"{ident}.json": text} | files
    with tarfile.open(directory / f"{name}.tar", "w") as new:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            new.addfile(entry, io.BytesIO(content))
    return str(directory)


def second_version(config):
    config["Labels"] = {"version": "2"}


def ends_at_once(config):
    config["Entrypoint"] = ["/web", "--healthcheck"]  # nothing answers yet: exit status 1


def never_healthy(config):
    config["Healthcheck"]["Test"] = ["CMD", "/missing"]


class VersionsStory:
    """Tests of ha_demo_test.HaDemo."""

    def image_of_web(self):
        return self.nodes()["node1"].sh("docker service inspect ha-demo_web --format "
                                        "'{{.Spec.TaskTemplate.ContainerSpec.Image}}'")

    @contextlib.contextmanager
    def reading(self):
        """Reads from the app meanwhile; yields the lists of good and failed reads."""
        good, failed = [], []
        stop = threading.Event()
        urls = [self.web(name) for name in self.nodes()]

        def read():
            while not stop.wait(0.5):
                url = urls[(len(good) + len(failed)) % len(urls)]
                try:
                    http(url + "/api/entities?limit=1", timeout=10)
                    good.append(time.monotonic())
                except AssertionError as error:
                    failed.append(str(error).splitlines()[-1])

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield good, failed
        finally:
            stop.set()
            reader.join()
            print(f"{len(good)} good reads, {len(failed)} failed: {sorted(set(failed))}", flush=True)

    def in_version(self, name, change):
        self.project.variables["images"] = changed_images(self.project.root / name, "web", change)

    def test_09a_a_new_version_rolls_out_and_rollback_returns(self):
        wait_until("the app works", self.app_is_well, 300)
        ident, old = self.write("version 1"), self.image_of_web()
        self.in_version("second", second_version)
        with self.reading() as (good, failed):
            self.project.apply(timeout=2400)
        self.assertNotEqual(self.image_of_web(), old)
        self.assertLessEqual(len(failed), len(good) // 10)
        self.assertEqual(self.project.plan(), {})
        with self.reading() as (good, failed):
            done = self.project.hadeploy("rollback", "--auto-approve", "--progress", "plain", timeout=2400)
        self.assertIn("going back to run", done.stderr)
        self.assertEqual(self.image_of_web(), old)
        self.assertLessEqual(len(failed), len(good) // 10)
        self.project.variables["images"] = str(IMAGES)
        self.assertEqual(self.project.plan(), {})
        wait_until("the write is there", lambda: self.written(ident), 120)

    def test_09b_a_bad_version_is_rolled_back_by_itself(self):
        old = self.image_of_web()
        for change, wait, cause in ((ends_at_once, "15m", "non-zero exit"),
                                    (never_healthy, "4m", "not complete in time")):
            with self.subTest(change.__name__):
                self.in_version(change.__name__, change)
                self.project.variables["wait"] = wait
                with self.reading() as (good, failed):
                    done = self.project.hadeploy("apply", "--auto-approve", "--progress", "plain",
                                                 timeout=2400, check=False)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("the update of ha-demo_web was rolled back", done.stderr)
                self.assertIn(cause, done.stderr)
                self.assertIn("its previous version runs again", done.stderr)
                self.assertEqual(self.image_of_web(), old)
                self.assertLessEqual(len(failed), len(good) // 10)
                wait_until("the app works", self.app_is_well, 300)
        self.project.variables.pop("wait")
        self.project.variables["images"] = str(IMAGES)
        self.project.apply(timeout=2400)
        self.assertEqual(self.project.plan(), {})

    def test_09c_a_package_changes_on_one_node_at_a_time(self):
        nodes = self.nodes()
        versions = {node.sh(NEWER_PACKAGE).splitlines()[-1] for node in nodes.values()}
        self.assertEqual(len(versions), 1)
        self.project.variables["versions"] = {"attr": versions.pop()}
        plan = self.project.hadeploy("plan").stdout
        self.assertIn("Then, one machine at a time", plan)
        self.assertEqual(plan.count("update   module.cluster.packages["), 2)
        ident = self.write("package")
        with self.reading() as (good, failed):
            done = self.project.apply(timeout=7200)
        for name, node in nodes.items():
            self.assertIn("+newer1", node.sh("dpkg-query -W -f '${Version}' attr"), name)
        changes = [line for line in done.stdout.splitlines() + done.stderr.splitlines()
                   if "packages[" in line and "updating" in line]
        print("\n".join(changes))
        self.assertLessEqual(len(failed), len(good) // 10)
        self.assertEqual(self.project.plan(), {})
        wait_until("the write is there", lambda: self.written(ident), 120)
