#!/bin/sh
# On each of the other members, until one is a manager: removes the entry. Variables: node.
docker_up || exit 1
case $(docker_get /nodes) in "reply 200 "*) ;; *) exit 1;; esac
docker node inspect "$node" >/dev/null 2>&1 || exit 0
forget() { docker node rm --force "$node" || ! docker node inspect "$node" >/dev/null 2>&1; }
docker_again forget
