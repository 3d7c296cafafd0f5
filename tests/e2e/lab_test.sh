#!/usr/bin/env bash
# Tests scripts/lab from up to down in its own namespaces: it sees no other lab, and does not touch the
# machine's network, /run or /etc. Needs root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=$here/../../scripts/lab

if [[ ${1-} != --inside ]]; then
    [[ $EUID -eq 0 ]] || {
        echo "SKIPPED: needs root"
        exit 77
    }
    exec unshare --mount --net --pid --fork --kill-child --mount-proc "${BASH_SOURCE[0]}" --inside
fi

# A machine without systemd, without routes, and without libvirt's files.
scratch=/var/lib/libvirt
mount -t tmpfs tmpfs "$scratch"
mkdir -p "$scratch"/{etc,qemu,dnsmasq,images}
cp -a /etc/. "$scratch/etc"
mount --bind "$scratch/etc" /etc
rm -rf /etc/netns /etc/libvirt/qemu/*.xml /etc/libvirt/qemu/networks/{*.xml,autostart}
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log/libvirt
ip link set lo up
echo 0 >/proc/sys/net/ipv4/ip_forward
echo 'nameserver 192.0.2.53' >/etc/resolv.conf
if [[ -c /dev/kvm ]]; then # as on a machine without udev
    mknod -m 0600 "$scratch/kvm" c 10 232
    mount --bind "$scratch/kvm" /dev/kvm
fi

failed=0
passed=0
check() { # check WHAT COMMAND...
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what: $*"
    fi
}
check_not() {
    local what=$1
    shift
    check "$what" eval "! $*"
}
virsh_() { virsh -q -c qemu:///system "$@"; }
pids() { cat /run/hadeploy-lab/{libvirtd,virtlogd}.pid; }
snapshot() {
    iptables-save | grep '^-A' || true
    ip -o link show | cut -d: -f2
    sysctl net.ipv4.ip_forward
    find /etc/netns /run/netns -mindepth 1 2>/dev/null || true
    grep -c hadeploy-lab /proc/mounts || true
    stat -c '%U:%G %a' /dev/kvm 2>/dev/null || true
}

before=$(snapshot)
check_not "status before up" "'$lab' status"

"$lab" up
check "libvirt answers" virsh_ version
check "namespace is there" test -e /run/netns/hadeploy-lab
check "resolver is passed on" grep -q 192.0.2.53 /etc/netns/hadeploy-lab/resolv.conf
# Without a listener, "refused" is the response of the machine.
check "machine is reached from the lab" "$lab" exec timeout 5 bash -c \
    "{ : <>/dev/tcp/$(cat /run/hadeploy-lab/subnet).1/9; } 2>&1 | grep -q refused"
[[ ! -c /dev/kvm ]] || check "KVM belongs to its group" test "$(stat -c %G:%a /dev/kvm)" = kvm:660
check "forwarding is on" grep -qx 1 /proc/sys/net/ipv4/ip_forward
check "masquerade" iptables -t nat -C POSTROUTING -s "$(cat /run/hadeploy-lab/subnet).0/30" ! -o hadeploy-lab0 -j MASQUERADE
check "exec returns the exit code" test "$("$lab" exec sh -c 'exit 7' >/dev/null 2>&1; echo $?)" = 7

first=$(pids)
rules=$(iptables-save | grep -c hadeploy-lab0)
"$lab" up
check "second up keeps the daemons" test "$first" = "$(pids)"
check "second up adds no rule" test "$rules" = "$(iptables-save | grep -c hadeploy-lab0)"

# A virtual machine and a network that only `down` removes.
cat >"$scratch/net.xml" <<'XML'
<network><name>n</name><forward mode='nat'/><bridge name='virbr-n'/>
<ip address='10.99.0.1' netmask='255.255.255.0'><dhcp><range start='10.99.0.9' end='10.99.0.20'/></dhcp></ip></network>
XML
cat >"$scratch/vm.xml" <<'XML'
<domain type='qemu'><name>vm</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64'>hvm</type></os>
<devices><interface type='network'><source network='n'/><model type='virtio'/></interface></devices></domain>
XML
check "a NAT network starts" virsh_ net-create "$scratch/net.xml"
check "a virtual machine starts" virsh_ create "$scratch/vm.xml"
check "it runs in the lab" test "$(ip netns identify "$(cat /run/libvirt/qemu/vm.pid)")" = hadeploy-lab
check_not "its bridge is not on the machine" "ip link show virbr-n"

"$lab" down
check "down restores everything" test "$before" = "$(snapshot)"
check_not "no process is left" "pgrep -x 'libvirtd|virtlogd|dnsmasq|qemu-system-x86'"
check_not "no notes are left" "test -e /run/hadeploy-lab"
check "a second down succeeds" "$lab" down

"$lab" up >/dev/null
sed -i "s:</devices>:<disk type='file'><source file='$scratch/images/p/disk'/><target dev='vda'/></disk>&:" "$scratch/vm.xml"
virsh_ net-define "$scratch/net.xml" && virsh_ net-start n
virsh_ pool-define-as p dir --target "$scratch/images/p" && virsh_ pool-build p && virsh_ pool-start p
virsh_ vol-create-as p disk 1M && virsh_ define "$scratch/vm.xml" && virsh_ start vm
virsh_ define <(sed 's:<name>vm:<name>off:; /<mac/d' "$scratch/vm.xml")
check "there is something to remove" test "$(virsh_ list --all --name | grep -c .)" = 2
"$lab" clean
check "clean leaves a lab that is up as it is" virsh_ version
check_not "machines, networks or pools are left" \
    "{ virsh_ list --all --name; virsh_ net-list --all --name; virsh_ pool-list --all --name; } | grep -q ."
check_not "disks are left" "test -e $scratch/images/p"
"$lab" down >/dev/null
"$lab" clean
check "clean leaves a lab that is down as it is" test "$before" = "$(snapshot)"

echo 'nameserver 127.0.0.1' >/etc/resolv.conf
"$lab" up >/dev/null
check "loopback resolver is replaced" grep -qx "nameserver $(cat /run/hadeploy-lab/subnet).1" /etc/netns/hadeploy-lab/resolv.conf
check "forwarder runs" kill -0 "$(cat /run/hadeploy-lab/forwarder.pid)"
"$lab" down >/dev/null
check_not "forwarder is gone" "pgrep -x dnsmasq"
check "down restores everything again" test "$before" = "$(snapshot)"

echo "$passed passed, $failed failed"
((failed == 0))
