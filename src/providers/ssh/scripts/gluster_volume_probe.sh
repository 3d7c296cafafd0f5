#!/bin/sh
# The configuration is read from the file that glusterd keeps on every member, without the volume
# password in it. Only a query to the cluster shows whether bricks on other hosts run. It waits up
# to two minutes for a member that has just gone down, so a longer wait counts as "not known".
# Variables: group ("" for none), recorded ("1": the volume existed).
command -v glusterd >/dev/null || { echo "== missing"; exit 0; }
info=/var/lib/glusterd/vols/$volume/info
for peer in /var/lib/glusterd/peers/*; do [ -e "$peer" ] || echo "== alone"; break; done
# Succeeds if a different member has the volume. glusterd responds to a member without taking a
# lock.
on_a_peer() {
    for peer in /var/lib/glusterd/peers/*; do
        [ -e "$peer" ] || break
        while IFS='=' read -r key value; do
            [ "$key" = hostname1 ] || continue
            timeout 5 gluster --remote-host="$value" volume info "$volume" </dev/null >/dev/null 2>&1 && return
        done <"$peer"
    done
    return 1
}
# a member that lost its disk and has rejoined gets the volumes from the others, after a while
began=$(seconds)
while [ -n "$recorded" ] && [ ! -e "$info" ] && gluster_up && on_a_peer; do
    late "$began" 30 || { sleep 1; continue; }
    echo "== elsewhere"
    break
done
status=
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
