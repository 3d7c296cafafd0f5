#!/bin/sh
# The configuration is read from the file that glusterd keeps on every member, without the volume
# password in it. Only a query to the cluster shows whether bricks on other hosts run. It waits up
# to two minutes for a member that has just gone down, so a longer wait counts as "not known".
# Variables: group ("" for none), recorded ("1": the volume existed).
command -v glusterd >/dev/null || { echo "== missing"; exit 0; }
info=/var/lib/glusterd/vols/$volume/info
for peer in /var/lib/glusterd/peers/*; do [ -e "$peer" ] || echo "== alone"; break; done
# Sets `elsewhere` to "yes" if a different member has the volume, to "no" if those that answer do not
# have it, and to "unknown" if none answers. glusterd responds to a member without taking a lock.
ask_peers() {
    elsewhere=
    for peer in /var/lib/glusterd/peers/*; do
        [ -e "$peer" ] || break
        while IFS='=' read -r key value; do
            [ "$key" = hostname1 ] || continue
            said=$(timeout 5 gluster --remote-host="$value" volume info "$volume" </dev/null 2>&1) && { elsewhere=yes; return; }
            case $said in
            *"does not exist"*) elsewhere=no;;
            *) [ "$elsewhere" = no ] || elsewhere=unknown;;
            esac
        done <"$peer"
    done
}
# a member that lost its disk and has rejoined gets the volumes from the others, after a while
began=$(seconds)
while [ -n "$recorded" ] && [ ! -e "$info" ] && gluster_up; do
    ask_peers
    case $elsewhere in
    yes) late "$began" 30 || { sleep 1; continue; }
        echo "== elsewhere";;
    unknown) echo "== unanswered";;
    esac
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
