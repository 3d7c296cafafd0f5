#!/usr/bin/env bash
# Builds a base image for virtual machines from the packages of the machine's own distribution,
# without a download site or an installer. The image is for direct kernel boot with an ordinary
# cloud-init NoCloud seed on a virtio disk, and is reduced so that it boots fast under emulation
# without KVM. Runs in one script with src/provider_api/apt_sources.sh, which precedes it.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: cat apt_sources.sh bootstrap.sh | bash -s OUTDIR

Writes OUTDIR/vmlinuz, OUTDIR/initrd.img and, last, OUTDIR/root.qcow2 (each by a rename, so that it
is complete). Needs root. Progress goes to standard error as "bootstrap: STEP".

Environment:
  HADEPLOY_SUITE     release to install (default: the release of this machine, e.g. bookworm)
  HADEPLOY_SIZE      virtual size of the disk (default: 8G); the root grows with a larger disk
  HADEPLOY_PACKAGES  packages to add to a bootable system with SSH and cloud-init, separated by
                     spaces (default: Docker, GlusterFS and small tools)

Boot it with:  root=LABEL=root rw console=ttyS0 quiet
and without KVM also:  tsc=reliable mitigations=off cryptomgr.notests
USAGE
}

step() { echo "bootstrap: $*" >&2; }
die() {
    echo "bootstrap: error: $*" >&2
    exit 1
}

case "${1-}" in
-h | --help)
    usage
    exit 0
    ;;
"" | -*)
    usage >&2
    exit 2
    ;;
esac
[[ $# -eq 1 ]] || { usage >&2; exit 2; }
[[ $EUID -eq 0 ]] || die "must run as root (the file system contains files of many owners); use sudo"
for tool in mmdebstrap mke2fs qemu-img cpio apt-get; do
    command -v "$tool" >/dev/null || die "'$tool' is missing; install it (apt-get install mmdebstrap e2fsprogs qemu-utils cpio)"
done

# shellcheck source=/dev/null
. /etc/os-release
distribution=$ID
host_suite=${VERSION_CODENAME-}
[[ -n $host_suite ]] || die "/etc/os-release has no VERSION_CODENAME; images can be built on Debian and Ubuntu only"
suite=${HADEPLOY_SUITE:-$host_suite}
size=${HADEPLOY_SIZE:-8G}
mkdir -p "$1"
out=$(cd "$1" && pwd)

case $distribution in
debian) kernel=linux-image-cloud-$(dpkg --print-architecture) ;;
ubuntu) kernel=linux-image-virtual ;;
*) die "this machine runs '$distribution'; images can be built on Debian and Ubuntu only" ;;
esac
system_packages="systemd-sysv udev kmod dbus iproute2 netbase procps iputils-ping ca-certificates
    openssh-server sudo cloud-init systemd-resolved libnss-myhostname acpid busybox-static $kernel"
default_packages="docker.io apparmor glusterfs-server glusterfs-client nftables
    python3 attr e2fsprogs curl less"
packages="$system_packages ${HADEPLOY_PACKAGES:-$default_packages}"

# Unfinished files are in one directory beside the result, so that the last step is a rename.
work=$(mktemp -d "$out/.bootstrap.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$work/root

put() { # put PATH [MODE]: writes standard input to a file of the image
    mkdir -p "$(dirname "$root$1")"
    cat >"$root$1"
    chmod "${2:-644}" "$root$1"
}

mask() {
    local unit
    for unit in "$@"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
}

enable() {
    local unit
    mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
    for unit in "$@"; do
        if [[ -e $root/etc/systemd/system/$unit.service ]]; then
            ln -sf "/etc/systemd/system/$unit.service" "$root/etc/systemd/system/multi-user.target.wants/"
        else
            ln -sf "/lib/systemd/system/$unit.service" "$root/etc/systemd/system/multi-user.target.wants/"
        fi
    done
}

# Docker's client is a package of its own since Debian 13, and unknown to earlier releases.
# shellcheck disable=SC2016 # a hook of mmdebstrap: $1 is the root
install_docker_client='if [ -e "$1/usr/sbin/dockerd" ] && [ ! -e "$1/usr/bin/docker" ]; then
    chroot "$1" apt-get -q -y --no-install-recommends install docker-cli
fi'

install_packages() {
    apt_sources >"$work/sources.list"
    [[ -s $work/sources.list ]] ||
        die "apt on this machine has no source for '$host_suite' (component main); see /etc/apt/sources.list*"
    # In a file, because every user can read a command line, and a proxy URL may contain a password.
    (umask 077 && apt_options >"$work/apt.conf")
    # INITRD=No: the kernel's packages skip the initramfs, which make_initrd builds instead.
    # Documentation is left out (licences are kept). So are GlusterFS's helpers for geo-replication,
    # Samba and SELinux, which start Python dozens of times when glusterd starts.
    INITRD=No mmdebstrap --quiet --mode=root --variant=minbase \
        --include="$(tr -s ' \n' ',' <<<"$packages")" \
        --aptopt='APT::Install-Recommends "false"' --aptopt="$work/apt.conf" \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' \
        --dpkgopt='path-exclude=/usr/lib/*/glusterfs/gsyncd' \
        --dpkgopt='path-exclude=/var/lib/glusterd/hooks/*/S10selinux*' \
        --dpkgopt='path-exclude=/var/lib/glusterd/hooks/*/S29CTDB*' \
        --dpkgopt='path-exclude=/var/lib/glusterd/hooks/*/S30samba*' \
        --dpkgopt='path-exclude=/var/lib/glusterd/hooks/*/S31ganesha*' \
        --dpkgopt='path-exclude=/var/lib/glusterd/hooks/*/S5*' \
        --customize-hook="$install_docker_client" \
        "$suite" "$root" "$work/sources.list" >&2
}

configure_apt() {
    rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root"/etc/apt/sources.list.d/*
    without_credentials <"$work/sources.list" | put /etc/apt/sources.list
    apt_options | without_credentials | put /etc/apt/apt.conf.d/90machine
}

configure_boot() {
    # Removes data that must be unique to each machine.
    : >"$root/etc/machine-id"
    rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
    echo '127.0.0.1 localhost' | put /etc/hosts

    # The initrd mounts the root; systemd only grows it to the size of the disk.
    : | put /etc/fstab
    put /etc/systemd/system/grow-root.service <<'CONF'
[Unit]
Description=Grow the root file system to the size of its disk
After=ssh.service
[Service]
Type=oneshot
ExecStart=/lib/systemd/systemd-growfs /
CONF
    enable grow-root
    ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"

    # Disables work that a lab node does not need: timers, logins on unused screens, hardware that a
    # virtual machine does not have, steps whose result is already in the image. AppArmor's own
    # profiles are for programs that are not installed; Docker loads the one for containers itself.
    mask apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service \
        dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer \
        motd-news.timer systemd-tmpfiles-clean.timer getty.target getty@tty1.service \
        serial-getty@ttyS0.service console-getty.service apparmor.service \
        systemd-pstore.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
        systemd-timesyncd.service systemd-networkd-wait-online.service systemd-firstboot.service \
        systemd-machine-id-commit.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
        systemd-sysusers.service systemd-network-generator.service systemd-random-seed.service \
        systemd-journal-flush.service systemd-journald-audit.socket systemd-initctl.socket \
        systemd-ask-password-console.path systemd-ask-password-wall.path systemd-remount-fs.service \
        modprobe@drm.service modprobe@efi_pstore.service modprobe@configfs.service \
        modprobe@fuse.service modprobe@loop.service modprobe@dm_mod.service dev-hugepages.mount \
        sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
        sys-fs-fuse-connections.mount
    # logind starts on demand (for reboot); at boot only its power button handling would be needed,
    # and acpid provides that without D-Bus.
    ln -sf /dev/null "$root/etc/systemd/system/multi-user.target.wants/systemd-logind.service"
    local generator
    mkdir -p "$root/etc/systemd/system-generators"
    for generator in "$root"/lib/systemd/system-generators/*; do
        generator=$(basename "$generator")
        [[ $generator == systemd-fstab-generator ]] ||
            ln -sf /dev/null "$root/etc/systemd/system-generators/$generator"
    done

    put /etc/systemd/journald.conf.d/volatile.conf <<'CONF'
[Journal]
Storage=volatile
RuntimeMaxUse=32M
Audit=no
CONF
    put /etc/acpi/events/power-button <<'CONF'
event=button/power.*
action=/bin/systemctl poweroff
CONF
    # Checksums and ciphers for particular processors (their self-tests take a second when emulated),
    # and virtualization within the virtual machine.
    put /etc/modprobe.d/emulated.conf <<'CONF'
blacklist aesni_intel
blacklist ghash_clmulni_intel
blacklist sha512_ssse3
blacklist sha256_ssse3
blacklist sha1_ssse3
blacklist crct10dif_pclmul
blacklist crc32_pclmul
blacklist kvm
blacklist kvm_amd
blacklist kvm_intel
blacklist serio_raw
blacklist qemu_fw_cfg
CONF
    # Replays udev events only for the kinds of devices that matter.
    put /etc/systemd/system/systemd-udev-trigger.service.d/few.conf <<'CONF'
[Service]
ExecStart=
ExecStart=/bin/udevadm trigger --type=devices --action=add --prioritized-subsystem=block,net --subsystem-match=block --subsystem-match=net --subsystem-match=virtio --subsystem-match=pci --subsystem-match=acpi --subsystem-match=input --subsystem-match=misc
CONF
}

configure_network() {
    put /etc/systemd/network/80-dhcp.network <<'CONF'
[Match]
Type=ether
Driver=virtio_net

[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no

[DHCPv4]
ClientIdentifier=mac
UseDomains=yes
UseHostname=no
UseTimezone=no
CONF
    rm -f "$root/etc/resolv.conf"
    ln -s /run/systemd/resolve/resolv.conf "$root/etc/resolv.conf"
    enable systemd-networkd systemd-resolved
}

# cloud-init supports every seed, but its full start takes seconds without KVM. So a small program
# runs first: it applies a seed if it supports all of its keys, and otherwise hands over to
# cloud-init. With `dsmode: local` cloud-init's first stage does the configuration; its later stages
# run only if the seed needs them.
configure_seed() {
    put /etc/cloud/cloud.cfg <<'CONF'
datasource_list: [NoCloud]
disable_root: true
ssh_pwauth: false
preserve_hostname: false
manage_etc_hosts: false
network: {config: disabled}
users: []
cloud_init_modules: [write-files, set_hostname, update_hostname, users-groups, ssh]
cloud_config_modules: [runcmd, timezone, ntp]
cloud_final_modules: [package-update-upgrade-install, scripts-user]
system_info:
  distro: debian
  network: {renderers: [networkd]}
  paths: {cloud_dir: /var/lib/cloud, templates_dir: /etc/cloud/templates}
  ssh_svcname: ssh
CONF
    find "$root/etc/cloud/cloud.cfg.d" -type f ! -name 05_logging.cfg -delete
    echo 'dsmode: local' | put /var/lib/cloud/seed/nocloud/meta-data
    : | put /var/lib/cloud/seed/nocloud/user-data

    seed_program | put /usr/local/sbin/apply-seed 755
    put /etc/systemd/system/cloud-init-local.service.d/seed.conf <<'CONF'
[Service]
ExecStart=
ExecStart=/usr/local/sbin/apply-seed
CONF
    mask cloud-init.service cloud-init-hotplugd.socket
    enable cloud-init-local cloud-config cloud-final
    local unit
    for unit in cloud-config cloud-final; do
        put "/etc/systemd/system/$unit.service.d/only-if-asked.conf" <<'CONF'
[Unit]
After=ssh.service
[Service]
ExecCondition=/bin/grep -qsE '^(runcmd|packages|package_|timezone|ntp)' /var/lib/cloud/instance/user-data.txt
CONF
    done
}

# The program runs in every guest before the network is up. If a seed has an unknown key, format or
# medium, it leaves the seed to cloud-init before it changes anything.
seed_program() {
    cat <<'PYTHON'
#!/usr/bin/python3 -IS
"""Applies the plain part of a NoCloud seed; execs cloud-init for every other seed."""
import base64
import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys

sys.path.append("/usr/lib/python3/dist-packages")
import yaml

MOUNT = "/run/seed"
APPLIED = "/var/lib/cloud/data/instance-id"
TOP = {"hostname", "fqdn", "users", "ssh_keys", "ssh_deletekeys", "ssh_genkeytypes", "write_files",
       "ssh_pwauth", "disable_root", "preserve_hostname", "manage_etc_hosts", "runcmd"}
USER = {"name", "gecos", "shell", "groups", "lock_passwd", "sudo", "ssh_authorized_keys"}
FILE = {"path", "content", "encoding", "permissions", "owner"}


def leave_to_cloud_init(why):
    print("apply-seed: left to cloud-init:", why)
    subprocess.run(["umount", MOUNT], stderr=subprocess.DEVNULL)
    os.execv("/usr/bin/cloud-init", ["cloud-init", "init", "--local"])


def find_seed():
    for node in sorted(glob.glob("/dev/[vs]d*") + glob.glob("/dev/sr*")):
        with open(node, "rb", buffering=0) as device:
            device.seek(0x8000)
            head = device.read(2048)
        if head[1:6] == b"CD001" and head[40:72].strip().lower() == b"cidata":
            return node
    if os.path.exists(APPLIED):
        sys.exit(0)  # removed after the first boot
    leave_to_cloud_init("no ISO 9660 volume labelled cidata")


def read_seed():
    os.makedirs(MOUNT, exist_ok=True)
    subprocess.run(["mount", "-t", "iso9660", "-o", "ro", find_seed(), MOUNT], check=True)
    texts = {name: open(os.path.join(MOUNT, name)).read() for name in os.listdir(MOUNT)}
    if set(texts) != {"meta-data", "user-data"}:
        leave_to_cloud_init("it holds " + ", ".join(sorted(texts)))
    if not texts["user-data"].startswith("#cloud-config"):
        leave_to_cloud_init("its user-data is not a #cloud-config")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [yaml.load(texts[name], loader) or {} for name in ("meta-data", "user-data")]


def unknown_words(meta, user):
    yield from set(meta) - {"instance-id", "local-hostname", "dsmode"}
    yield from set(user) - TOP
    for entry in user.get("users") or []:
        yield from set(entry) - USER if isinstance(entry, dict) else [entry]
        if isinstance(entry, dict) and not entry.get("lock_passwd", True):
            yield "lock_passwd: false"
    for entry in user.get("write_files") or []:
        yield from set(entry) - FILE
        if entry.get("encoding", "text/plain") not in ("text/plain", "b64", "base64"):
            yield entry["encoding"]
    for key in ("ssh_pwauth", "manage_etc_hosts", "preserve_hostname"):
        if user.get(key):
            yield key
    if user.get("ssh_genkeytypes"):
        yield "ssh_genkeytypes"
    if not user.get("ssh_keys"):
        yield "no ssh_keys"
    if user.get("runcmd") not in (None, [["sync"]]):
        yield "runcmd"


def write(path, data, mode, uid=0, gid=0):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as out:
        out.write(data if isinstance(data, bytes) else data.encode())
        os.fchown(out.fileno(), uid, gid)
        os.fchmod(out.fileno(), mode)


def apply_host(meta, user):
    name = user.get("hostname") or user.get("fqdn") or meta.get("local-hostname")
    if name:
        name = name.split(".")[0]
        write("/etc/hostname", name + "\n", 0o644)
        socket.sethostname(name)
    if user.get("ssh_deletekeys", True):
        for path in glob.glob("/etc/ssh/ssh_host_*key*"):
            os.unlink(path)
    for key, text in user["ssh_keys"].items():
        kind, part = key.rsplit("_", 1)
        path = f"/etc/ssh/ssh_host_{kind}_key"
        if part == "private":
            write(path, text, 0o600)
        elif part == "public":
            write(path + ".pub", text, 0o644)
        else:
            write(path + "-cert.pub", text, 0o644)


def apply_user(entry):
    name = entry["name"]
    groups = entry.get("groups") or []
    if isinstance(groups, str):
        groups = [group.strip() for group in groups.split(",")]
    for group in groups:
        subprocess.run(["groupadd", "-f", group], check=True)
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "-m", "-s", entry.get("shell", "/bin/bash"), "-c", entry.get("gecos", ""),
                        "-G", ",".join(groups), name], check=True)
    user = pwd.getpwnam(name)
    rules = entry.get("sudo") or []
    if rules:
        rules = [rules] if isinstance(rules, str) else rules
        write("/etc/sudoers.d/90-seed-" + name, "".join(f"{name} {rule}\n" for rule in rules), 0o440)
    keys = entry.get("ssh_authorized_keys") or []
    if keys:
        directory = os.path.join(user.pw_dir, ".ssh")
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.chown(directory, user.pw_uid, user.pw_gid)
        write(directory + "/authorized_keys", "".join(key.strip() + "\n" for key in keys), 0o600,
              user.pw_uid, user.pw_gid)


def apply_file(entry):
    data = entry.get("content", "")
    if entry.get("encoding") in ("b64", "base64"):
        data = base64.b64decode(data)
    write(entry["path"], data, int(str(entry.get("permissions", "0644")), 8))
    if "owner" in entry:
        shutil.chown(entry["path"], *entry["owner"].split(":"))


meta, user = read_seed()
instance = str(meta.get("instance-id"))
try:
    applied = open(APPLIED).read().strip()
except FileNotFoundError:
    applied = None
if applied != instance:
    strange = sorted(map(str, unknown_words(meta, user)))
    if strange:
        leave_to_cloud_init("it says " + ", ".join(strange))
    apply_host(meta, user)
    for each in user.get("users") or []:
        apply_user(each)
    for each in user.get("write_files") or []:
        apply_file(each)
    # After a power failure, the files above must exist if the mark does, or if the seed was removed
    # after a login by SSH.
    os.sync()
    write(APPLIED, instance + "\n", 0o644)
    os.sync()
subprocess.run(["umount", MOUNT])
PYTHON
}

# Shortens the time until SSH answers: sshd waits only for the seed (its host key and user), and all
# other services wait for sshd.
configure_services() {
    put /etc/systemd/system/ssh.service <<'CONF'
[Unit]
Description=OpenBSD Secure Shell server
DefaultDependencies=no
Requires=sysinit.target
After=sysinit.target cloud-init-local.service
Conflicts=shutdown.target
Before=shutdown.target

[Service]
EnvironmentFile=-/etc/default/ssh
ExecStart=/usr/sbin/sshd -D $SSHD_OPTS
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process
Restart=on-failure
RestartPreventExitStatus=255
Type=notify
RuntimeDirectory=sshd
RuntimeDirectoryMode=0755

[Install]
WantedBy=multi-user.target
CONF
    mask ssh.socket
    enable ssh acpid
    local unit
    for unit in docker containerd dbus acpid; do
        [[ -e $root/lib/systemd/system/$unit.service ]] || continue
        put "/etc/systemd/system/$unit.service.d/after-ssh.conf" <<'CONF'
[Unit]
After=ssh.service
CONF
    done
    sed -E -e 's/^Before=.*/Before=shutdown.target/' -e 's/^After=.*/& ssh.service/' \
        "$root/lib/systemd/system/systemd-resolved.service" | put /etc/systemd/system/systemd-resolved.service
    # containerd starts in half the time without its Kubernetes interface.
    if [[ -e $root/usr/bin/containerd ]]; then
        echo 'disabled_plugins = ["io.containerd.grpc.v1.cri"]' | put /etc/containerd/config.toml
    fi
    # Messages of the day would be generated for every command over SSH.
    rm -f "$root"/etc/update-motd.d/*
}

# An initrd with a static busybox and the few modules needed for the root: no udev, no scan.
make_initrd() {
    local version=$1 tree=$work/initrd module path
    mkdir -p "$tree"/{bin,dev,proc,sys,root,modules}
    cp "$root/bin/busybox" "$tree/bin/busybox"
    chroot "$root" modprobe --set-version "$version" --show-depends --all \
        virtio_pci virtio_blk ext4 virtio_net virtio_rng virtio_balloon |
        awk '$1 == "insmod" && !seen[$2]++ {print $2}' >"$work/modules"
    while IFS= read -r path; do
        module=$(basename "$path")
        cp "$root$path" "$tree/modules/$module"
        echo "$module" >>"$tree/modules/order"
    done <"$work/modules"
    find "$tree/modules" -name '*.zst' -exec zstd -q -d --rm {} +
    find "$tree/modules" -name '*.xz' -exec xz -d {} +
    sed -i -E 's/\.(zst|xz)$//' "$tree/modules/order"
    cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
while read -r module; do $bb insmod "/modules/$module"; done </modules/order
# QEMU caches translated code by virtual address. With address space randomization, each start of a
# program is translated again, and the stale translations slow down the rest.
if $bb grep -qs TCG /proc/cpuinfo; then echo 0 >/proc/sys/kernel/randomize_va_space; fi
root= flags=ro
for word in $($bb cat /proc/cmdline); do
    case $word in
    root=*) root=${word#root=} ;;
    rw) flags=rw ;;
    esac
done
tries=0
while :; do
    case $root in
    LABEL=* | UUID=*) device=$($bb findfs "$root" 2>/dev/null) ;;
    *) device=$root ;;
    esac
    [ -b "$device" ] && break
    tries=$((tries + 1))
    if [ $tries -gt 100 ]; then
        echo "initrd: no root file system '$root' on: $($bb ls /sys/block | $bb tr '\n' ' ')" >/dev/console
        $bb sleep 2
        $bb poweroff -f
    fi
    $bb sleep 0.1
done
$bb mount -t ext4 -o "$flags,noatime" "$device" /root
$bb umount /proc /sys
exec $bb switch_root /root /sbin/init
INIT
    chmod 755 "$tree/init"
    (cd "$tree" && find . | sort | cpio --quiet --reproducible -o -H newc -R 0:0) >"$work/initrd.img"
}

make_disk() {
    # Initializes all inode tables now, or each node would zero the rest in the background.
    truncate -s "$size" "$work/root.raw" || die "HADEPLOY_SIZE '$size' is not a size; write it like 8G"
    mke2fs -q -F -t ext4 -L root -m 1 -E lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$work/root.raw" >&2
    qemu-img convert -f raw -O qcow2 "$work/root.raw" "$work/root.qcow2"
    rm -f "$work/root.raw"
}

main() {
    step "install $suite and its packages (mmdebstrap)"
    install_packages
    step "configure the system"
    configure_apt
    configure_boot
    configure_network
    configure_seed
    configure_services
    local version file
    version=$(basename "$(find "$root/lib/modules" -mindepth 1 -maxdepth 1 -type d | sort -V | tail -n 1)")
    [[ -n $version ]] || die "the installed packages contain no kernel"
    step "build the initrd ($version)"
    cp "$root/boot/vmlinuz-$version" "$work/vmlinuz"
    make_initrd "$version"
    step "build the disk ($size)"
    make_disk
    chmod 644 "$work/vmlinuz" "$work/initrd.img" "$work/root.qcow2"
    for file in vmlinuz initrd.img root.qcow2; do mv -f "$work/$file" "$out/$file"; done
    step "done: $out/root.qcow2 ($(du -h "$out/root.qcow2" | cut -f1))"
}

main
exit
