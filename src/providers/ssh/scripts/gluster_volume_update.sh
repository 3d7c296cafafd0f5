#!/bin/sh
# Variables: unset (words), settings (words), group, start ("start", "stop" or ""), add (words:
# arguments of add-brick), rebalance ("1": there are more sets than before), count (bricks afterwards),
# stop ("1" if running bricks would keep the old settings). Reads the output of gluster_brick_find.sh.
need_glusterd
info=/var/lib/glusterd/vols/$volume/info empty=
while read -r word _; do
    [ "$word" != lost ] || empty=1
done
[ -z "$stop" ] || case $(show "$info") in *"
status=1
"*) gl volume stop "$volume" force >/dev/null;; esac
[ -z "$add" ] || [ -n "$rebalance" ] || empty=1
[ -z "$add" ] || eval "change_bricks $count add-brick \"\$volume\" $add force"
[ -z "$rebalance" ] || gl volume rebalance "$volume" start >/dev/null
for option in $unset; do gl volume reset "$volume" "$option" >/dev/null; done
[ -z "$group" ] || gl volume set "$volume" group "$group" >/dev/null
[ -z "$settings" ] || eval "gl volume set \"\$volume\" $settings" >/dev/null
case $start in
start)
    gl volume start "$volume" force >/dev/null
    wait_online
    [ -z "$empty" ] || heal_all;;
stop) [ -n "$stop" ] || gl volume stop "$volume" >/dev/null;;
esac
