#!/usr/bin/env bash
# usage: tests/docker/unpack.sh DIRECTORY
# Unpacks Docker and a registry from the packages of the distribution into a directory, for the tests against a real
# server. Installing the packages would start a daemon, which changes the firewall of the machine.
set -euo pipefail
(($# == 1)) || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1"
target=$(cd "$1" && pwd)
packages=(docker.io containerd runc docker-registry)
# the client has a package of its own in some releases
[[ -z $(apt-cache search --names-only '^docker-cli$') ]] || packages+=(docker-cli)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -q download "${packages[@]}" >log 2>&1 || { tail -n 5 log >&2; exit 1; }
for package in *.deb; do dpkg-deb -x "$package" "$target"; done
