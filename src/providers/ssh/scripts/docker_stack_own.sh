#!/bin/sh
# Before any object is created: fails if a stack of that name belongs to somebody else. Then
# creates our config object, the first object of the stack. Its labels make it part of the stack
# (so `docker stack rm` removes it) and identify the owner. Variables: identity.
answers=$(docker_read "/services?$by_stack" "/configs?$by_identity" 2>&1) || {
    case $answers in
    *'not a swarm manager'*) echo "this host is not a swarm manager; list the managers first in \`hosts\`" >&2;;
    *'does not have a leader'*) echo "the swarm has lost its quorum; start the other managers, then apply again" >&2;;
    *) printf '%s\n' "$answers" >&2;;
    esac
    exit 1
}
own() {
    mine=$(docker_read "/configs?$by_identity") || return 1
    case $mine in *'"hadeploy.identity":"'"$identity"'"'*) return 0;; esac
    printf %s "$note" | docker config create \
        --label com.docker.stack.namespace="$stack" --label hadeploy.identity="$identity" \
        "hadeploy.stack.$stack" -
}
case $answers in *'"hadeploy.identity":"'"$identity"'"'*) ;; *)
    case $answers in *'"com.docker.stack.namespace":"'"$stack"'"'*)
        echo "there is a stack \"$stack\" that hadeploy did not create; choose a different name, or remove it: docker stack rm $stack" >&2
        exit 1;;
    esac
    docker_again own;;
esac
