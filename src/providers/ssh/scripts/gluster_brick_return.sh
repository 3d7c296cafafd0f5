#!/bin/sh
# On each host with a brick, with the output of gluster_brick_find.sh of all of them, which it passes on. If the brick of
# this host is empty and its set keeps a copy: notes on the other bricks that it lacks everything, and gives it the id of
# the volume, without which it does not start. (`gluster volume reset-brick` does the same in one step, and if that is
# interrupted, glusterd counts the brick twice.) Variables: name (HOST:PATH of this host's brick), listed (the same as in
# glusterd's files), bricks (lines: all, in the order of the sets), replica.
lost='
'
while read -r word rest; do
    [ "$word" != lost ] || lost="$lost$rest
"
    printf '%s %s\n' "$word" "$rest"
done
place=0 gone=0
while read -r one; do
    [ $((place % replica)) != 0 ] || gone=0
    place=$((place + 1))
    case $lost in *"
$one
"*) gone=$((gone + 1));; esac
    [ $gone -lt "$replica" ] || {
        echo "no brick with a copy of the files is left: $one was the last one; to start with an empty volume, delete the volume" >&2
        exit 1
    }
done <<END
$bricks
END
case $lost in *"
$name
"*) ;; *) exit 0;; esac
info=/var/lib/glusterd/vols/$volume/info
began=$(seconds)
until [ -e "$info" ]; do # its peers send it to a host that has just come back
    ! late "$began" 60 || { echo "$name: this host does not know the volume; is it in the pool?" >&2; exit 1; }
    sleep 1
done
case $(show "$info") in *"
status=1
"*) ;; *) gl volume start "$volume" force >/dev/null;; esac
id= client=
while IFS='=' read -r key value; do
    [ "$key" != volume-id ] || id=$(printf %s "$value" | tr -d -)
done <"$info"
while IFS='=' read -r key value; do
    [ "$key" != brick-id ] || client=$value
done <"/var/lib/glusterd/vols/$volume/bricks/$listed"
# Uses a mount like glusterd's own: the number is GF_CLIENT_PID_ADD_REPLICA_MOUNT of libglusterfs.
note_empty() {
    at=$(mktemp -d /run/hadeploy-mount.XXXXXX) noted=
    if glusterfs -s localhost --volfile-id "$volume" --client-pid -12 -l /var/log/glusterfs/hadeploy-return.log "$at" </dev/null &&
        note_said=$(setfattr -n trusted.replace-brick -v "$client" "$at" 2>&1); then noted=1; fi
    umount -l "$at" 2>/dev/null || :
    rmdir "$at"
    [ -n "$noted" ]
}
began=$(seconds) note_said='it cannot be mounted on this host'
until note_empty; do # the other bricks need a while to accept a host that has just come back
    late "$began" 60 || { sleep 1; continue; }
    echo "noting that $name is empty: $note_said; see /var/log/glusterfs/hadeploy-return.log there" >&2
    exit 1
done
hadeploy_enter "${brick%/*}" || hadeploy_refuse "${brick%/*} is not a directory"
mkdir -p "./${brick##*/}"
hadeploy_enter "$brick" || hadeploy_refuse "$brick is not a directory"
have=$(getfattr --only-values -n trusted.glusterfs.volume-id . 2>/dev/null | od -An -tx1 | tr -d ' \n')
case $have in ''|"$id") ;; *)
    echo "$name is the brick of a different volume; move it away on that host" >&2
    exit 1;;
esac
setfattr -n trusted.glusterfs.volume-id -v "0x$id" .
mkdir -p -m 0600 ./.glusterfs ./.glusterfs/indices # needed at its start; last: it is no longer lost
systemctl restart glusterd # starts the brick
began=$(seconds)
until gluster_up && ! gluster pool list </dev/null 2>&1 | grep -qv 'Connected *$\|^UUID'; do
    ! late "$began" 60 || break
    sleep 1
done
