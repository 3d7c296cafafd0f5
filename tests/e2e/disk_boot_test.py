"""A machine that boots from its disk, as cloud images do: firmware, boot loader, partitions, a seed for
cloud-init, an empty plan afterwards, and a complete destroy.

A cloud image is not available everywhere, so one is built from the base image: a partition with syslinux
and the kernel, and a partition with the root. A distribution's GRUB and UEFI are not covered.
"""
import pathlib
import shutil
import tempfile
import unittest

from cluster import LAB, Node, Project, run, virsh

IMAGE = """
name: disk-boot-image
resources:
  pool: {type: libvirt.pool, name: hadeploy-image}
  base: {type: libvirt.volume, pool: "${pool.name}", bootstrap: {suite: bookworm, size: 8 GiB}}
outputs: {base: "${base}"}
"""
MACHINE = """
name: disk-boot
variables: {image: {type: local_path}}
resources:
  operator: {type: ssh.key}
  lab: {type: libvirt.network, name: hadeploy-disk, cidr: 10.78.0.0/24}
  pool: {type: libvirt.pool, name: hadeploy-disk}
  base: {type: libvirt.volume, pool: "${pool.name}", file: "${var.image}"}
  node:
    type: libvirt.domain
    name: from-disk
    memory: 1 GiB
    vcpus: 2
    network: ${lab.name}
    address: 10.78.0.11
    base: ${base}
    ssh_key: ${operator}
outputs: {ssh_key: "${operator.private_key_file}"}
"""
SYSLINUX = """
DEFAULT linux
LABEL linux
  KERNEL vmlinuz
  INITRD initrd.img
  APPEND root=LABEL=root rw console=ttyS0 quiet tsc=reliable mitigations=off cryptomgr.notests
"""
MIB = 1 << 20
BOOT_MIB, ROOT_MIB = 64, 8192


def make_bootable(base, directory):
    """Builds a disk with a boot partition and the base image's root; returns its path."""
    raw, disk, config = directory / "root.raw", directory / "disk.raw", directory / "syslinux.cfg"
    run("qemu-img", "convert", "-O", "raw", base["path"], raw)
    with open(disk, "wb") as file:
        file.truncate((1 + BOOT_MIB + ROOT_MIB + 1) * MIB)
    run("sfdisk", "--quiet", disk, stdin=f"label: dos\nstart=1MiB,size={BOOT_MIB}MiB,type=c,bootable\n"
                                         f"start={1 + BOOT_MIB}MiB,size={ROOT_MIB}MiB,type=83\n")
    run("dd", f"if={raw}", f"of={disk}", "bs=1M", f"seek={1 + BOOT_MIB}", "conv=sparse,notrunc")
    raw.unlink()
    run("mkfs.vfat", "-F", 16, "--offset", 2048, disk, BOOT_MIB * 1024)
    config.write_text(SYSLINUX)
    for file, name in ((base["kernel"], "vmlinuz"), (base["initrd"], "initrd.img"),
                       (config, "syslinux.cfg")):
        run("mcopy", "-i", f"{disk}@@1M", file, f"::/{name}")
    run("syslinux", "--offset", MIB, "--install", disk)
    run("dd", "if=/usr/lib/syslinux/mbr/mbr.bin", f"of={disk}", "bs=440", "count=1", "conv=notrunc")
    run("qemu-img", "convert", "-O", "qcow2", disk, directory / "disk.qcow2")
    disk.unlink()
    return directory / "disk.qcow2"


class DiskBoot(unittest.TestCase):
    def setUp(self):
        self.lab_was_up = run(LAB, "status", check=False).returncode == 0
        run(LAB, "up")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hadeploy-disk-"))
        self.image = Project("disk-boot-image", spec=IMAGE)
        self.machine = Project("disk-boot", {"image": str(self.directory / "disk.qcow2")}, spec=MACHINE)

    def tearDown(self):
        for project in (self.machine, self.image):
            project.hadeploy("destroy", "--auto-approve", "--allow-data-loss",
                             "--progress", "plain", check=False)
            project.remove()
        shutil.rmtree(self.directory)
        if not self.lab_was_up:
            run(LAB, "down")

    def test_a_machine_boots_from_its_disk(self):
        self.image.apply()
        make_bootable(self.image.output("base"), self.directory)
        self.machine.apply()
        node = Node("10.78.0.11", self.machine.output("ssh_key"))
        self.assertIn("BOOT_IMAGE=vmlinuz", node.sh("cat /proc/cmdline"))
        self.assertEqual(node.sh("findmnt -no SOURCE /"), "/dev/vda2")
        self.assertEqual(node.sh("hostname"), "from-disk")
        self.assertNotIn("<kernel>", virsh("dumpxml", "from-disk"))
        self.assertEqual(self.machine.plan(), {})
        self.machine.hadeploy("destroy", "--auto-approve", "--allow-data-loss", "--progress", "plain")
        self.assertNotIn("from-disk", virsh("list", "--all", "--name"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
