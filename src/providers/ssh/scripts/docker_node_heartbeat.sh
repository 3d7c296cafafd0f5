#!/bin/sh
# On each of the members, until one is a manager with quorum. Variables: heartbeat (Go duration).
docker_up || exit 1
case $(docker_get /nodes) in "reply 200 "*) ;; *) echo "not a manager, or without quorum" >&2; exit 1;; esac
docker_again docker swarm update --dispatcher-heartbeat "$heartbeat"
