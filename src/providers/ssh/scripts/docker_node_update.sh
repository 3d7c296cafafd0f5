#!/bin/sh
# On a manager. Variables: node (id), options (of `docker node update`, as words), demote ("1" if
# the change demotes a manager).
docker_up || exit 1
case $(docker_get /nodes) in "reply 200 "*) ;; *) echo "not a manager, or without quorum" >&2; exit 1;; esac
if [ -n "$demote" ]; then
    managers=0 reachable=0
    for status in $(docker node ls --format '{{.ManagerStatus}}'); do
        managers=$((managers + 1))
        case $status in Leader|Reachable) reachable=$((reachable + 1));; esac
    done
    if [ $((reachable - 1)) -le $(((managers - 1) / 2)) ]; then
        echo "refuse only $reachable of the swarm's $managers managers can be reached: without this one the swarm would lose its quorum; start the others first"
        exit 0
    fi
fi
eval "docker_again docker node update $options \"\$node\""
