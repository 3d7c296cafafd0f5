#!/bin/sh
# On each of the other members, until one is a manager: moves the node's tasks away, and demotes it
# to a worker, if the swarm keeps its quorum. Variables: node, grace (seconds), patience (the same).
docker_up || exit 1
case $(docker_get "/nodes/$node") in
"reply 200 "*) ;;
"reply 404 "*) echo gone; exit 0;;
*) echo "not a manager, or without quorum" >&2; exit 1;;
esac
entry=$(docker node inspect "$node" --format '{{.Status.State}} {{.Spec.Role}} {{with .ManagerStatus}}{{.Reachability}}{{end}}')
# shellcheck disable=SC2086 # words
set -- $entry
if [ "$2" = manager ]; then
    managers=0 reachable=0
    for status in $(docker node ls --format '{{.ManagerStatus}}'); do
        managers=$((managers + 1))
        case $status in Leader|Reachable) reachable=$((reachable + 1));; esac
    done
    [ "${3-}" != reachable ] || reachable=$((reachable - 1))
    if [ $reachable -le $(((managers - 1) / 2)) ]; then
        echo "refuse only $reachable of the swarm's other managers can be reached: without this one the swarm would lose its quorum; start them first"
        exit 0
    fi
fi
# Whether a service has fewer tasks than it should have.
behind() {
    counts=$(docker service ls --filter mode=replicated --filter mode=global --format '{{.Replicas}}') || return 0
    printf '%s\n' "$counts" | sed 's/ .*//' | while IFS=/ read -r has wanted; do
        [ "${has:-0}" -ge "${wanted:-0}" ] || echo "$has of $wanted"
    done | grep -q .
}
if [ "$1" = ready ]; then
    hand_over || : # the drain stops the tasks that could not move
fi
docker_again docker node update --availability drain "$node"
if [ "$1" = ready ]; then
    hand_back
    began=$(seconds)
    until case $(docker_get "/tasks?filters=%7B%22node%22%3A%5B%22$node%22%5D%7D") in *'"State":"running"'*) false;; "reply 200 "*) ;; *) false;; esac; do
        ! late "$began" "$grace" || break
        sleep 1
    done
    # The node can be the leader, and Docker does not announce tasks that start while the leader
    # changes (see docker_undiscovered.sh).
    began=$(seconds)
    while behind && ! late "$began" "$grace"; do sleep 2; done
fi
if [ "$2" = manager ]; then
    docker_again docker node demote "$node"
    began=$(seconds)
    until case $(docker_get "/nodes/$node") in *'"ManagerStatus":'*) false;; "reply 200 "*) ;; *) false;; esac; do
        ! late "$began" 30 || break
        sleep 1
    done
fi
echo out
