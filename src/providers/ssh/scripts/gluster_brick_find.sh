#!/bin/sh
# On each host with a brick of the volume, after it was prepared and its parent entered; passes on its
# input. Prints `lost NAME` for a brick without data. Variables: name (HOST:PATH).
while read -r line; do printf '%s\n' "$line"; done
[ ! -e "$brick/.glusterfs" ] || exit 0
printf 'lost %s\n' "$name"
began=$(seconds)
until [ -e "/var/lib/glusterd/vols/$volume/info" ]; do # its peers send it to a host that has just come back
    ! late "$began" 60 || { echo "$name: this host does not know the volume; is it in the pool?" >&2; exit 1; }
    sleep 1
done
# glusterd takes a brick for a new one if its directory did not exist when it started
mkdir -p "./${brick##*/}"
systemctl restart glusterd
began=$(seconds)
until gluster_up && ! gluster pool list </dev/null 2>&1 | grep -qv 'Connected *$\|^UUID'; do
    ! late "$began" 60 || break
    sleep 1
done
