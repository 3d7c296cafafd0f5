#!/bin/sh
# On each of the peers, if none of them could admit the node: checks whether a swarm exists
# nevertheless, because then a second one must not be created. Passes on its input if there is any.
if read -r line; then
    echo "$line"
    while read -r line; do echo "$line"; done
    exit 0
fi
read -r name </proc/sys/kernel/hostname
if ! docker_up; then
    [ -e /var/lib/docker/swarm/docker-state.json ] || exit 1
    echo "refuse $name belongs to a swarm, but its Docker does not run: start it (systemctl start docker), then apply again"
    exit 0
fi
answer=$(docker_get /info)
case $answer in
*'"LocalNodeState":"inactive"'*) exit 1;;
*'"ControlAvailable":true'*) echo "refuse the swarm of $name has lost its quorum: start the other managers, then apply again";;
*) echo "refuse $name belongs to a swarm, but none of its managers could be queried: start them, or make $name leave (docker swarm leave)";;
esac
