#!/bin/sh
# Variables: create (arguments after the volume name), group, settings (words), count, started.
need_glusterd
info=/var/lib/glusterd/vols/$volume/info
if [ -e "$info" ]; then
    if ! is_ours; then
        echo "there is a volume \"$volume\" that hadeploy did not create; choose a different name" >&2
        exit 1
    fi
else
    eval "gl volume create \"\$volume\" $create force" >/dev/null
fi
[ -z "$group" ] || gl volume set "$volume" group "$group" >/dev/null
eval "gl volume set \"\$volume\" user.hadeploy.identity \"\$identity\" $settings" >/dev/null
[ -n "$started" ] || exit 0
gl volume start "$volume" force >/dev/null
wait_online
