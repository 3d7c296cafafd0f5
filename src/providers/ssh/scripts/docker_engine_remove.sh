#!/bin/sh
# Variable: marker. The client depends on nothing, so it has to be named.
packages=docker.io
[ ! -e /var/lib/dpkg/info/docker-cli.list ] || packages="$packages docker-cli"
# shellcheck disable=SC2086 # words
apt remove $packages || { printf '%s\n' "$log" >&2; exit 100; }
rm -f "$marker"
rmdir /var/lib/hadeploy 2>/dev/null || :
