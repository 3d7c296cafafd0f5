#!/bin/sh
# On each host with a brick, before the volume is created. (With `force`, gluster itself would
# silently take over the brick of a different volume.)
mark=
{ read -r mark <"$marker"; } 2>/dev/null || :
if [ "$mark" != "$identity" ]; then
    if [ -e "$brick/.glusterfs" ]; then
        read -r name </proc/sys/kernel/hostname
        echo "$name:$brick is the brick of a volume that hadeploy did not create; move it away, or choose a different path" >&2
        exit 1
    fi
    parent=${brick%/*} made=
    while [ -n "$parent" ] && [ ! -d "$parent" ]; do
        made=$parent
        parent=${parent%/*}
    done
    rm -f "$marker"
    hadeploy_notes "$marker"
    hadeploy_note "$identity
$made"
fi
hadeploy_enter "${brick%/*}" make || hadeploy_refuse "${brick%/*} is not a directory"
