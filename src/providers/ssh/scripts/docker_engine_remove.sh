#!/bin/sh
# Removes the packages that hadeploy installed. Variable: marker.
packages=
if grep -qx "installed by hadeploy" "$marker"; then packages=docker.io; fi
if grep -qx docker-cli "$marker"; then packages="$packages docker-cli"; fi
# shellcheck disable=SC2086 # words
[ -z "$packages" ] || apt remove $packages || { printf '%s\n' "$log" >&2; exit 100; }
rm -f "$marker"
rmdir /var/lib/hadeploy 2>/dev/null || :
