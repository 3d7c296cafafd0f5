#!/bin/sh
# On the node; reads the output of kAdmit. Variables: marker, identity, role (manager, worker),
# address, availability, heartbeat (Go duration; "" for Docker's default).
# The token is passed in the request body on standard input, not on a command line.
swarm= token= managers=
while read -r word rest; do
    case $word in
    refuse) echo "$rest" >&2; exit 1;;
    swarm) swarm=$rest;;
    token) token=$rest;;
    managers) managers=$rest;;
    esac
done
docker_up || systemctl start docker
ours= mark=
{ read -r mark <"$marker"; } 2>/dev/null || :
[ "$mark" != "$identity" ] || ours=1
state=$(docker_get /info)
case $state in
*'"LocalNodeState":"inactive"'*) joined=;;
*'"LocalNodeState":"active"'*) joined=1;;
*) joined=stuck;;
esac
if [ -n "$joined" ] && [ -z "$ours" ]; then
    echo "the node is already in a swarm that hadeploy did not join it to; to make it leave: docker swarm leave --force" >&2
    exit 1
fi
if [ -n "$swarm" ] && [ "$joined" = 1 ]; then
    case $state in
    *'"Cluster":{"ID":""'*|*'"Cluster":{"ID":"'"$swarm"'"'*) ;;
    *'"Cluster":{"ID":'*)
        echo "the node is in a different swarm than its peers; to make it leave: docker swarm leave --force" >&2
        exit 1;;
    esac
fi
if [ -n "$swarm" ] && [ -z "$token" ]; then
    echo "the swarm's manager gave no join token" >&2
    exit 1
fi
if [ "$joined" = stuck ]; then # an interrupted join of ours
    docker swarm leave --force >/dev/null
    joined=
fi
if [ -z "$joined" ]; then
    rm -f "$marker"
    hadeploy_notes "$marker"
    hadeploy_note "$identity"
    give_up() {
        rm -f "$marker"
        exit 1
    }
    if [ -z "$token" ]; then
        docker swarm init --advertise-addr "$address" --availability "$availability" \
            ${heartbeat:+--dispatcher-heartbeat "$heartbeat"} >/dev/null || give_up
    else
        remotes=\"$(printf %s "$managers" | sed 's/,/","/g')\"
        answer=$(printf '{"ListenAddr":"0.0.0.0:2377","AdvertiseAddr":"%s","RemoteAddrs":[%s],"JoinToken":"%s","Availability":"%s"}' \
            "$address" "$remotes" "$token" "$availability" | docker_post /swarm/join)
        # a slow join continues in the background after Docker stops waiting for it
        case $answer in *"Timeout was reached"*)
            began=$(seconds)
            until late "$began" 180; do
                case $(docker_get /info) in *'"LocalNodeState":"active"'*) answer="reply 200 "; break;; esac
                sleep 1
            done;;
        esac
        case $answer in "reply 200 "*) ;; *)
            printf '%s\n' "$answer" | sed -n 's/.*"message":"\(.*\)"}.*/joining the swarm: \1/p' >&2
            give_up;;
        esac
    fi
fi
[ "$role" = manager ] || exit 0
began=$(seconds)
until answer=$(docker_get /swarm) && case $answer in "reply 200 "*) ;; *) false;; esac; do
    ! late "$began" 120 || { echo "the node joined, but did not become a manager within two minutes" >&2; exit 1; }
    sleep 1
done
[ -z "$token" ] || docker swarm join-token --rotate -q manager >/dev/null
