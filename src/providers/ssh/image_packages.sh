#!/usr/bin/env bash
# Installs packages of this machine's distribution into a tar file, the first layer of an image:
# no registry and no daemon is involved. The same versions of the packages give the same bytes on
# every machine. Runs in one script with src/provider_api/apt_sources.sh, which precedes it.
#
# usage: bash -s OUT.tar, with HADEPLOY_SUITE, HADEPLOY_VARIANT and HADEPLOY_PACKAGES (separated by
# commas) in the environment, and the variable `run` (a script, or "") in a line before this script.
# OUT.tar appears by a rename, so that it is complete.
set -euo pipefail

die() {
    echo "error: $*" >&2
    exit 1
}

for tool in mmdebstrap apt-get dpkg; do
    command -v "$tool" >/dev/null || die "'$tool' is missing; install it (apt-get install mmdebstrap)"
done
[[ $EUID -eq 0 ]] || die "must run as root (the layer contains files of several owners); use sudo"

# shellcheck source=/dev/null
. /etc/os-release
host_suite=${VERSION_CODENAME-}
suite=$HADEPLOY_SUITE
case $suite in
bookworm | trixie) distribution=debian ;;
*) distribution=ubuntu ;;
esac
[[ ${ID-} == "$distribution" && -n $host_suite ]] ||
    die "packages of $suite can be installed only on a machine with ${distribution^}; this one runs '${ID-}'"

out=$1
work=$out.work # exists only after a killed build: the caller holds a lock
rm -rf "$work"
mkdir -m 700 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

apt_sources >"$work/sources.list"
[[ -s $work/sources.list ]] ||
    die "apt on this machine has no source for '$host_suite' (component main); see /etc/apt/sources.list*"
# In a file, because every user can read a command line, and a proxy URL may contain a password.
(umask 077 && apt_options >"$work/apt.conf")

# What differs between machines or runs is removed: sources (which may contain a password), lists,
# names. Docker provides hostname, hosts and resolv.conf of a container.
# shellcheck disable=SC2016 # a hook of mmdebstrap: $1 is the root
clean='rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/99mmdebstrap \
    "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/etc/hostname "$1"/etc/resolv.conf "$1"/etc/fstab "$1"/var/cache/debconf/*-old \
    "$1"/var/lib/dpkg/*-old "$1"/var/log/*.log "$1"/var/log/apt \
    "$1"/var/cache/ldconfig/aux-cache'
# The only hooks of the variant `extract` are those after the extraction, which is its last step.
hook=--customize-hook
[[ $HADEPLOY_VARIANT != extract ]] || hook=--extract-hook
hooks=()
if [[ -n $run ]]; then
    # a file, because an argument cannot be longer than 128 KiB
    printf '%s' "$run" >"$work/run"
    cat >"$work/hook" <<'HOOK'
cp "${0%/*}/run" "$1/.hadeploy-run"
chroot "$1" sh -eu /.hadeploy-run </dev/null || {
    echo "error: \`run\` failed with status $?" >&2
    exit 1
}
rm "$1/.hadeploy-run"
HOOK
    export HADEPLOY_HOOK=$work/hook
    # shellcheck disable=SC2016 # a hook of mmdebstrap: $1 is the root
    hooks+=("$hook="'sh -eu "$HADEPLOY_HOOK" "$1"')
fi
hooks+=("$hook=$clean")
# The folders of manual pages stay, because some packages, such as Java's, fail without them.
# All times are 1970. Errors of apt may contain the URIs of its sources.
SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --mode=root --variant="$HADEPLOY_VARIANT" --format=tar \
    --include="$HADEPLOY_PACKAGES" --skip=output/dev \
    --aptopt='APT::Install-Recommends "false"' --aptopt="$work/apt.conf" \
    --dpkgopt='path-exclude=/usr/share/man/*/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    "${hooks[@]}" \
    "$suite" "$work/layer.tar" "$work/sources.list" 2>&1 </dev/null | without_credentials >&2
chmod 600 "$work/layer.tar"
sync "$work/layer.tar"
mv -f "$work/layer.tar" "$out"
exit
