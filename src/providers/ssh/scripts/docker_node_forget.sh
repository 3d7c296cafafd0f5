#!/bin/sh
# On each of the other members, until one is a manager: removes the entry. Variables: node.
docker_up || exit 1
case $(docker_get "/nodes/$node") in
"reply 200 "*) ;;
"reply 404 "*) exit 0;;
*) exit 1;;
esac
forget() {
    docker node rm --force "$node" && return
    case $(docker_get "/nodes/$node") in "reply 404 "*) ;; *) return 1;; esac
}
docker_again forget
