#!/bin/sh
# Installs only missing packages, so that a Docker from a different source is not replaced. Since
# Debian 13 the client is in its own package. apparmor: without its parser no container starts on a
# kernel with AppArmor. The package lists are updated only if a package is not found, because that
# takes minutes on a slow machine.
missing() {
    packages=
    command -v dockerd >/dev/null || packages=docker.io
    if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then
        packages="$packages docker-cli"
        grep -qsx docker-cli "$memory" || hadeploy_note docker-cli
    fi
    command -v apparmor_parser >/dev/null || packages="$packages apparmor"
}
install() {
    missing
    # shellcheck disable=SC2086 # words
    [ -z "$packages" ] || apt install $packages || return
    log="the docker program is missing, and apt knows no package docker-cli"
    command -v docker >/dev/null
}
if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null || ! command -v apparmor_parser >/dev/null; then
    command -v apt-get >/dev/null || { echo "a part of Docker is missing, and there is no apt-get; install dockerd, docker and apparmor_parser by hand" >&2; exit 1; }
    hadeploy_notes /var/lib/hadeploy/docker.engine
    command -v dockerd >/dev/null || hadeploy_note "installed by hadeploy"
    install || { apt update && install; } || { printf '%s\n' "$log" >&2; exit 100; }
fi
