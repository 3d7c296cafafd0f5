#!/bin/sh
# On each of the peers, until one is a manager that can admit the node. Variables: role (manager,
# worker), address (of the node). An entry with the same address that is down belongs to the
# machine before it was replaced. It is removed first, because it counts against the quorum.
docker_up || exit 1
answers=$(docker_get /info /nodes /swarm)
case $answers in *'"ControlAvailable":true'*) ;; *) echo "not a manager" >&2; exit 1;; esac
case $answers in
*'"JoinTokens":'*) ;;
*) echo "it is a manager of a swarm that has lost its quorum" >&2; exit 1;;
esac
case $answers in *'"'"$address"'"'*|*'"'"$address":2377'"'*)
    nodes=$(docker node ls -q)
    for id in $nodes; do
        # shellcheck disable=SC2046 # words
        set -- $(docker node inspect "$id" --format '{{.Status.State}} {{.Status.Addr}} {{with .ManagerStatus}}{{.Addr}}{{end}}')
        [ "$1" = down ] || continue
        case $2,${3-} in "$address",*|*,"$address":*) ;; *) continue;; esac
        docker_again docker node demote "$id"
        docker_again docker node rm --force "$id"
    done;;
esac
docker info --format '{{println "swarm" .Swarm.Cluster.ID}}managers {{range $i, $peer := .Swarm.RemoteManagers}}{{if $i}},{{end}}{{$peer.Addr}}{{end}}'
token=$(docker swarm join-token -q "$role")
echo "token $token"
