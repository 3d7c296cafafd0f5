#!/bin/sh
# On each host with a brick of the volume, after it was prepared; passes on its input. Prints `lost NAME` for a brick
# without data. Variables: name (HOST:PATH).
while read -r line; do printf '%s\n' "$line"; done
[ -e "$brick/.glusterfs" ] || printf 'lost %s\n' "$name"
