#!/bin/sh
# apparmor: without its parser no container starts on a kernel with AppArmor. The package lists are
# updated only if a package is not found, because that takes minutes on a slow machine.
if ! command -v dockerd >/dev/null || ! command -v apparmor_parser >/dev/null; then
    command -v apt-get >/dev/null || { echo "there is neither Docker nor apt-get; install Docker by hand" >&2; exit 1; }
    hadeploy_notes /var/lib/hadeploy/docker.engine
    command -v dockerd >/dev/null || hadeploy_note "installed by hadeploy"
    apt install docker.io apparmor || { apt update && apt install docker.io apparmor; } ||
        { printf '%s\n' "$log" >&2; exit 100; }
fi
