#!/usr/bin/env bash
# Makes a base image for virtual machines out of the packages of the machine's own distribution:
# no download site, no installer. The image is meant for direct kernel boot and for an ordinary
# cloud-init NoCloud seed on a virtio disk, and is cut so that it boots fast without KVM, where
# every instruction of the guest is emulated.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: bootstrap.sh OUTDIR

Writes OUTDIR/vmlinuz, OUTDIR/initrd.img and, last, OUTDIR/root.qcow2 (each complete or not
there). Needs root. Progress goes to standard error as "bootstrap: STEP".

Environment:
  HADEPLOY_SUITE     release to install (default: the one this machine runs, e.g. bookworm)
  HADEPLOY_SIZE      size of the virtual disk (default: 8G); the root grows with a larger disk
  HADEPLOY_PACKAGES  packages on top of a bootable system with SSH and cloud-init, separated by
                     spaces (default: Docker, GlusterFS and small tools)

Boot it with:  root=LABEL=root rw console=ttyS0 quiet
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
[[ $EUID -eq 0 ]] || die "must run as root (it makes a file system with files of every owner); use sudo"
for tool in mmdebstrap mke2fs qemu-img cpio apt-get; do
    command -v "$tool" >/dev/null || die "'$tool' is missing; install it (apt-get install mmdebstrap e2fsprogs qemu-utils cpio)"
done

# shellcheck source=/dev/null
. /etc/os-release
distribution=$ID
host_suite=${VERSION_CODENAME-}
[[ -n $host_suite ]] || die "/etc/os-release names no VERSION_CODENAME; only Debian and Ubuntu machines can make images"
suite=${HADEPLOY_SUITE:-$host_suite}
size=${HADEPLOY_SIZE:-8G}
mkdir -p "$1"
out=$(cd "$1" && pwd)

case $distribution in
debian) kernel=linux-image-cloud-$(dpkg --print-architecture) ;;
ubuntu) kernel=linux-image-virtual ;;
*) die "this machine runs '$distribution'; only Debian and Ubuntu machines can make images" ;;
esac
system_packages="systemd-sysv udev kmod dbus iproute2 netbase procps iputils-ping ca-certificates
    openssh-server sudo cloud-init systemd-resolved acpid busybox-static $kernel"
default_packages="docker.io apparmor glusterfs-server glusterfs-client
    python3 attr e2fsprogs curl less"
packages="$system_packages ${HADEPLOY_PACKAGES:-$default_packages}"

# Everything unfinished lives in one directory beside the result, so that the last step is a rename.
work=$(mktemp -d "$out/.bootstrap.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$work/root

# The distribution's own sources in the one-line form, as apt itself understands this machine's
# configuration (one-line lists, deb822 files, mirror lists). Third-party repositories stay out: the
# guest would lack their keys.
apt_sources() {
    local uri release component signed_by options
    # apt leaves a field that has no value as its literal name.
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)' \
        'Created-By: Packages' | sort -u |
        while IFS='|' read -r uri release component signed_by; do
            case $release in
            "$host_suite" | "$host_suite-updates" | "$host_suite-security") ;;
            *) continue ;;
            esac
            case $component in main | universe) ;; *) continue ;; esac
            # A list of mirrors is a file of this machine: the guest gets its first entry.
            if [[ $uri == mirror+file:* ]]; then
                uri=$(awk '!/^#/ && NF {print $1; exit}' "${uri#mirror+file:}")
            fi
            options=
            [[ $signed_by == /* ]] && options="[signed-by=$signed_by] "
            echo "deb $options$uri ${release/#$host_suite/$suite} $component"
        done
}

# What the machine's apt needs to reach its sources (proxy, clock checks of frozen mirrors).
apt_options() {
    apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-(Valid-Until|Date)|ForceIPv[46]) ' || true
}

# Removes user:password@ from URIs.
without_credentials() { sed -E 's#(://)[^/@ "]*@#\1#g'; }

put() { # put PATH [MODE]: standard input becomes a file of the image
    mkdir -p "$(dirname "$root$1")"
    cat >"$root$1"
    chmod "${2:-644}" "$root$1"
}

mask() {
    local unit
    for unit in "$@"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
}

install_packages() {
    apt_sources >"$work/sources.list"
    [[ -s $work/sources.list ]] ||
        die "apt on this machine has no source for '$host_suite' (component main); see /etc/apt/sources.list*"
    local option options=()
    while IFS= read -r option; do options+=("--aptopt=${option%;}"); done < <(apt_options)
    # INITRD=No: the kernel's packages need not build an initramfs, make_initrd does.
    # Documentation of no use in a node stays out (licences stay in).
    INITRD=No mmdebstrap --quiet --mode=root --variant=minbase \
        --include="$(tr -s ' \n' ',' <<<"$packages")" \
        --aptopt='APT::Install-Recommends "false"' "${options[@]}" \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' \
        "$suite" "$root" "$work/sources.list" >&2
}

configure_apt() {
    rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root"/etc/apt/sources.list.d/*
    without_credentials <"$work/sources.list" | put /etc/apt/sources.list
    apt_options | without_credentials | put /etc/apt/apt.conf.d/90machine
}

configure_boot() {
    # The root is mounted by the initrd; systemd only grows it to the size of the disk.
    echo 'LABEL=root / ext4 noatime,x-systemd.growfs 0 0' | put /etc/fstab

    # Nothing that belongs to one machine only.
    : >"$root/etc/machine-id"
    rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
    echo '127.0.0.1 localhost' | put /etc/hosts

    # Work in the background that a node of a lab does not need: timers, logins on screens nobody
    # looks at, hardware that a virtual machine does not have, logind (only its power button is
    # of use, and acpid does that without D-Bus).
    mask apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service \
        dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer \
        motd-news.timer getty@tty1.service serial-getty@ttyS0.service console-getty.service \
        systemd-logind.service systemd-pstore.service systemd-update-utmp.service \
        systemd-update-utmp-runlevel.service systemd-timesyncd.service \
        systemd-networkd-wait-online.service systemd-firstboot.service systemd-machine-id-commit.service \
        modprobe@drm.service modprobe@efi_pstore.service modprobe@configfs.service \
        modprobe@fuse.service modprobe@loop.service modprobe@dm_mod.service \
        dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount

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
    ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
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
UseDomains=yes
ClientIdentifier=mac
CONF
    rm -f "$root/etc/resolv.conf"
    ln -s /run/systemd/resolve/resolv.conf "$root/etc/resolv.conf"
    chroot "$root" systemctl --quiet enable systemd-networkd.service systemd-resolved.service ssh.service acpid.service
}

# One pass of cloud-init instead of four: each pass is a start of Python, seconds without KVM.
# `dsmode: local` makes the first stage (which reads the seed) do the whole configuration; the later
# stages run only if the seed asks for something that the first does not do.
configure_cloud_init() {
    put /etc/cloud/cloud.cfg <<'CONF'
datasource_list: [NoCloud]
datasource:
  NoCloud: {fs_label: cidata}
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
    rm -rf "$root"/etc/cloud/cloud.cfg.d
    echo 'dsmode: local' | put /var/lib/cloud/seed/nocloud/meta-data
    : | put /var/lib/cloud/seed/nocloud/user-data

    # The seed is looked for by cloud-init itself: no need for the generator's detection script.
    echo 'policy: enabled' | put /etc/cloud/ds-identify.cfg
    mask cloud-init.service cloud-init-hotplugd.socket
    local unit
    for unit in cloud-config cloud-final; do
        put "/etc/systemd/system/$unit.service.d/only-if-asked.conf" <<'CONF'
[Unit]
After=ssh.service
[Service]
ExecCondition=/bin/grep -qE '^(runcmd|packages|package_|timezone|ntp)' /var/lib/cloud/instance/user-data.txt
CONF
    done
    put /etc/systemd/system/ssh.service.d/after-seed.conf <<'CONF'
[Unit]
After=cloud-init-local.service
CONF
}

configure_services() {
    # Docker's start is the longest; whoever waits for SSH need not wait for it.
    local unit
    for unit in docker containerd; do
        [[ -e $root/lib/systemd/system/$unit.service ]] || continue
        put "/etc/systemd/system/$unit.service.d/after-ssh.conf" <<'CONF'
[Unit]
After=ssh.service
CONF
    done
}

# An initrd of a static busybox and the few modules that reach the root: no udev, no scan.
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
    # Inode tables written now are not zeroed by every node in the background later.
    mke2fs -q -F -t ext4 -L root -m 1 -E lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$work/root.raw" "$size" >&2
    qemu-img convert -f raw -O qcow2 "$work/root.raw" "$work/root.qcow2"
    rm -f "$work/root.raw"
}

step "install $suite and its packages (mmdebstrap)"
install_packages
step "configure the system"
configure_apt
configure_boot
configure_network
configure_cloud_init
configure_services
version=$(basename "$(find "$root/lib/modules" -mindepth 1 -maxdepth 1 -type d | sort -V | tail -n 1)")
[[ -n $version ]] || die "the installed packages hold no kernel"
step "make the kernel's initrd ($version)"
cp "$root/boot/vmlinuz-$version" "$work/vmlinuz"
make_initrd "$version"
step "make the disk ($size)"
make_disk
chmod 644 "$work/vmlinuz" "$work/initrd.img" "$work/root.qcow2"
for file in vmlinuz initrd.img root.qcow2; do mv -f "$work/$file" "$out/$file"; done
step "done: $out/root.qcow2 ($(du -h "$out/root.qcow2" | cut -f1))"
