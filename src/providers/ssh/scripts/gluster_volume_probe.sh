#!/bin/sh
# The configuration is read from the file that glusterd keeps on every member, without the volume
# password in it. Only a query to the cluster shows whether bricks on other hosts run.
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
# Sets `said` to what the members report. If one of them has just gone down, the query would wait up to two
# minutes for it, so this gives up, without output. The query continues to hold the lock on the volume, so the
# next one is refused, even after the member has returned. That one is sent again.
ask() {
    asked=$(seconds)
    while :; do
        rc=0
        said=$(timeout 15 gluster volume "$@" </dev/null 2>/dev/null) || rc=$?
        case $rc,$said in
        124,*) said=; return 1;;
        0,*'<opRet>-1<'*) ;; # glusterd exits with 0 all the same
        0,*) return;;
        esac
        if late "$asked" 45; then return 1; fi
        sleep 1
    done
}
if [ "$status" = 1 ] && gluster_up; then
    if ask status "$volume" --xml; then
        echo "== status
$said"
        # entries that are being written look like missing ones for a moment
        for look in 1 2; do
            ask heal "$volume" statistics heal-count || said=
            case $said in *'entries: '[1-9]*) [ $look = 2 ] || sleep 1;; *) break;; esac
        done
        echo "== heals
$said"
    elif [ -n "$said" ]; then
        echo "== refused
$said"
    fi
fi
exit 0
