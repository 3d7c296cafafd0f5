#!/bin/sh
# On the node itself, or on a different member if the node's machine no longer exists. Reads the
# output of kPutOut; no input means that no other manager is left. Variables: node, marker,
# identity.
while read -r word rest; do
    [ "$word" != refuse ] || { echo "$rest" >&2; exit 1; }
done
docker_up || systemctl start docker
info=$(docker_read /info)
case $info in
*'"NodeID":"'"$node"'"'*)
    docker swarm leave --force >/dev/null
    rm -f "$marker"
    rmdir "${marker%/*}" 2>/dev/null || :;;
esac
