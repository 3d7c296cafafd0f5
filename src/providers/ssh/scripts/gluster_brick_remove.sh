#!/bin/sh
# On each host with a brick, after the volume was stopped or the brick was removed from it. If
# somebody has created a new volume of that name in the meantime, the volume and its brick have a
# different mark. Variables: listed (the brick in the info file).
mark= made=
{ { read -r mark && read -r made; } <"$marker"; } 2>/dev/null || :
[ "$mark" = "$identity" ] || exit 0
case "$(show "/var/lib/glusterd/vols/$volume/info" 2>/dev/null)
" in *"
status=1
"*"=$listed
"*)
    echo "the volume \"$volume\" still runs here; is glusterd up (systemctl start glusterd)?" >&2
    exit 1;;
esac
hadeploy_remove_directory "${brick%/*}" "${brick##*/}" tree
parent=${brick%/*}
while [ -n "$made" ]; do
    case $parent/ in "$made"/*) ;; *) break;; esac
    rmdir "$parent" 2>/dev/null || break
    parent=${parent%/*}
done
rm -f "$marker"
rmdir "${marker%/*}" 2>/dev/null || :
