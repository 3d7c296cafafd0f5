#!/bin/sh
# Variables: unset (words), settings (words), group, start ("start", "stop" or ""), add (words:
# bricks), count, stop ("1" if running bricks would keep the old settings).
need_glusterd
[ -z "$stop" ] || case $(show "/var/lib/glusterd/vols/$volume/info") in *"
status=1
"*) gl volume stop "$volume" force >/dev/null;; esac
[ -z "$add" ] || {
    eval "gl volume add-brick \"\$volume\" $add force" >/dev/null
    gl volume rebalance "$volume" start >/dev/null
}
for option in $unset; do gl volume reset "$volume" "$option" >/dev/null; done
[ -z "$group" ] || gl volume set "$volume" group "$group" >/dev/null
[ -z "$settings" ] || eval "gl volume set \"\$volume\" $settings" >/dev/null
case $start in
start)
    gl volume start "$volume" force >/dev/null
    wait_online;;
stop) [ -n "$stop" ] || gl volume stop "$volume" >/dev/null;;
esac
