#!/bin/sh
# A removal has three steps, each of which can be repeated: mark and stop the volume, remove the
# bricks, delete the volume. The volume is deleted last, so that bricks left by a killed run can
# still be found.
need_glusterd
info=/var/lib/glusterd/vols/$volume/info
[ -e "$info" ] || exit 0
if ! is_ours; then
    echo "the volume \"$volume\" no longer belongs to hadeploy: somebody else has created it again" >&2
    exit 1
fi
gl volume set "$volume" user.hadeploy.identity "$identity" user.hadeploy.removing yes >/dev/null
case $(show "$info") in *"
status=1
"*) gl volume stop "$volume" force >/dev/null;; esac
