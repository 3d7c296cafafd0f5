#!/bin/sh
# Variables: volumes (words), split_brain (yes or no). A query waits for members that have just gone down,
# so each query and all of them together have a time limit. Data that is not available in time is left out.
gluster_up || { echo "== stopped"; exit 0; }
read -r name </proc/sys/kernel/hostname
began=$(seconds)
longest=5 each=3
ask() {
    left=$((began + longest - $(seconds)))
    [ $left -gt 0 ] || return 0
    [ $left -le "$each" ] || left=$each
    timeout $left gluster "$@" </dev/null
}
echo "== own
$name"
echo "== peers"
ask pool list
for volume in $volumes; do
    echo "== status $volume"
    ask volume status "$volume" --xml
    echo "== heal $volume"
    ask volume heal "$volume" statistics heal-count
done
[ "$split_brain" = yes ] || exit 0
longest=30 each=15 # it opens each volume like a client
for volume in $volumes; do
    echo "== split-brain $volume"
    ask volume heal "$volume" info split-brain
done
exit 0
