#!/bin/sh
# The configuration is read from the file that glusterd keeps on every member, without the volume
# password in it. Only a query to the cluster shows whether bricks on other hosts run. It waits up
# to two minutes for a member that has just gone down, so a longer wait counts as "not known".
# Variables: group ("" for none).
command -v glusterd >/dev/null || { echo "== missing"; exit 0; }
info=/var/lib/glusterd/vols/$volume/info status=
for peer in /var/lib/glusterd/peers/*; do [ -e "$peer" ] || echo "== alone"; break; done
if [ -e "$info" ]; then
    echo "== info"
    while IFS= read -r line; do
        case $line in username=*|password=*) continue;; status=*) status=${line#*=};; esac
        printf '%s\n' "$line"
    done <"$info"
fi
[ ! -e "$marker" ] || { echo "== marker"; show "$marker"; }
[ -z "$group" ] || [ ! -e "/var/lib/glusterd/groups/$group" ] || { echo "== group"; show "/var/lib/glusterd/groups/$group"; }
if [ "$status" = 1 ] && gluster_up; then
    echo "== status"
    timeout 15 gluster volume status "$volume" --xml </dev/null
    # entries that are being written look like missing ones for a moment
    for look in 1 2; do
        heals=$(timeout 15 gluster volume heal "$volume" statistics heal-count </dev/null 2>/dev/null) || heals=
        case $heals in *'entries: '[1-9]*) [ $look = 2 ] || sleep 1;; *) break;; esac
    done
    echo "== heals
$heals"
fi
exit 0
