#!/bin/sh
# Networks stay in use until the last task is gone, so removal takes more than one round.
docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
answers=$(docker_read "/services?$by_stack" "/configs?$by_identity" 2>&1) || {
    case $answers in
    *'not a swarm manager'*|*'does not have a leader'*) echo "this host is not a manager of a swarm with a quorum" >&2;;
    *) printf '%s\n' "$answers" >&2;;
    esac
    exit 1
}
case $answers in
*'"hadeploy.identity":"'"$identity"'"'*) ;;
*'"com.docker.stack.namespace":"'"$stack"'"'*) echo "the stack \"$stack\" no longer belongs to hadeploy: somebody else has created it again" >&2; exit 1;;
esac
round=0
while :; do
    said=$(docker stack rm "$stack" 2>&1) || :
    began=$(seconds)
    until late "$began" 15; do
        left=$(docker_read "/services?$by_stack" "/tasks?$by_stack" "/networks?$by_stack" 2>&1) || { sleep 1; continue; }
        case $left in *'"ID":'*|*'"Id":'*) ;; *) exit 0;; esac
        case $left in *'"State":"running"'*) ;; *) ! late "$began" 2 || break;; esac
        sleep 1
    done
    round=$((round + 1))
    if [ $round -ge 6 ]; then
        # the rest belongs to nodes that are down; the swarm drops it once it gives them up
        left=$(docker_read "/services?$by_stack" "/networks?$by_stack")
        case $left in *'"ID":'*|*'"Id":'*) printf '%s\n' "$said" >&2; exit 1;; esac
        exit 0
    fi
done
