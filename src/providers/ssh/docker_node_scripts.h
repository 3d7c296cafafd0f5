#pragma once

#include <string_view>

/// The scripts of docker.node. Each follows docker::functions() and the assignment of its
/// variables. They pass results to the next script as lines on standard output: nothing (no swarm),
/// `refuse REASON`, or `swarm ID`, `token TOKEN`, `managers ADDRESS:PORT,...`.
namespace hadeploy::ssh::docker {

/// On the node. Variables: marker (path).
/// If the daemon is down, Docker's state files show whether the node is in a swarm.
inline constexpr std::string_view kNodeProbe = R"sh(identity=
{ read -r identity <"$marker"; } 2>/dev/null
command -v dockerd >/dev/null || { echo none; exit 0; }
if ! docker_up; then
    if [ -e /var/lib/docker/swarm/docker-state.json ]; then echo stopped; else echo none; fi
    exit 0
fi
echo "up $identity"
docker_get /info /nodes
)sh";

/// On each of the peers, until one is a manager that can admit the node. Variables: role (Manager,
/// Worker), address (of the node). An entry with the same address that is down belongs to the
/// machine before it was replaced. It is removed first, because it counts against the quorum.
inline constexpr std::string_view kAdmit = R"sh(docker_up || exit 1
answers=$(docker_get /info /nodes /swarm)
case $answers in *'"ControlAvailable":true'*) ;; *) echo "not a manager" >&2; exit 1;; esac
case $answers in
*'"JoinTokens":'*) ;;
*) echo "it is a manager of a swarm that has lost its quorum" >&2; exit 1;;
esac
case $answers in *'"'"$address"'"'*|*'"'"$address":2377'"'*)
    for id in $(docker node ls -q); do
        set -- $(docker node inspect "$id" --format '{{.Status.State}} {{.Status.Addr}} {{with .ManagerStatus}}{{.Addr}}{{end}}')
        [ "$1" = down ] || continue
        case $2,${3-} in "$address",*|*,"$address":*) ;; *) continue;; esac
        docker_again docker node demote "$id"
        docker_again docker node rm --force "$id"
    done;;
esac
printf '%s\n' "$answers" | sed -n 's/.*"Cluster":{"ID":"\([^"]*\)".*/swarm \1/p'
printf '%s\n' "$answers" | sed -n "s/.*\"JoinTokens\":{.*\"$role\":\"\([^\"]*\)\".*/token \1/p"
printf '%s\n' "$answers" | sed -n 's/.*"RemoteManagers":\[\([^]]*\)\].*/\1/p' | {
    read -r managers
    addresses=
    while [ -n "$managers" ]; do
        case $managers in *'"Addr":"'*) ;; *) break;; esac
        managers=${managers#*'"Addr":"'}
        addresses=$addresses${addresses:+,}${managers%%'"'*}
    done
    echo "managers $addresses"
}
)sh";

/// On each of the peers, if none of them could admit the node: checks whether a swarm exists all
/// the same, because then a second one must not be created. Passes on its input if there is any.
inline constexpr std::string_view kNoOtherSwarm = R"sh(if read -r line; then
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
*) echo "refuse $name belongs to a swarm, but none of its managers could be asked: start them, or make $name leave (docker swarm leave)";;
esac
)sh";

/// On the node; reads the output of kAdmit. Variables: marker, identity, role (manager, worker),
/// address, availability, heartbeat (Go duration; "" for Docker's default).
/// The token is passed in the request body on standard input, not on a command line.
inline constexpr std::string_view kJoin = R"sh(swarm= token= managers=
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
        echo "the node is in another swarm than its peers; to make it leave: docker swarm leave --force" >&2
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
)sh";

/// On a manager. Variables: node (id), options (of `docker node update`, as words), demote ("1" if
/// the change demotes a manager).
inline constexpr std::string_view kUpdate = R"sh(docker_up || exit 1
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
)sh";

/// On each of the members, until one is a manager with quorum. Variables: heartbeat (Go duration).
inline constexpr std::string_view kHeartbeat = R"sh(docker_up || exit 1
case $(docker_get /nodes) in "reply 200 "*) ;; *) echo "not a manager, or without quorum" >&2; exit 1;; esac
docker_again docker swarm update --dispatcher-heartbeat "$heartbeat"
)sh";

/// On each of the other members, until one is a manager with quorum: checks whether the swarm still
/// lists the node. On the node itself, removal from the list while it was down looks just like a
/// swarm without quorum. Prints `listed` or `gone`. Variables: node (id).
inline constexpr std::string_view kStillListed =
    R"sh(docker_up || { echo "Docker does not run" >&2; exit 1; }
case $(docker_get "/nodes/$node") in
"reply 200 "*) echo listed;;
"reply 404 "*) echo gone;;
*) echo "not a manager, or its swarm has lost its quorum: start the other managers" >&2; exit 1;;
esac
)sh";

/// On the node: waits until it is a working member again; reads the output of kStillListed.
/// Sometimes a daemon never reconnects to a healthy swarm (moby/swarmkit 1360, 2868), so it is
/// restarted once. Variables: role (wanted), marker.
inline constexpr std::string_view kSettle = R"sh(listed=
while read -r word rest; do
    case $word in
    refuse) echo "$rest" >&2; exit 1;;
    listed) listed=1;;
    gone)
        docker swarm leave --force >/dev/null
        rm -f "$marker"
        echo "the swarm had removed this node from its list, so the node has left; apply again to rejoin" >&2
        exit 1;;
    esac
done
began=$(seconds) restarted=
while :; do
    docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
    state=$(docker_get /info) why="it is not an active member"
    case $state in *'"LocalNodeState":"active"'*)
        manager=
        case $state in *'"ControlAvailable":true'*) manager=1;; esac
        why="it has not become a $role"
        if [ "$role" = worker ] && [ -z "$manager" ]; then exit 0; fi
        if [ "$role" = manager ] && [ -n "$manager" ]; then
            id=${state#*'"NodeID":"'}
            id=${id%%'"'*}
            entry=$(docker_get "/nodes/$id")
            case $entry in
            "reply 200 "*'"State":"ready"'*) exit 0;;
            "reply 200 "*) why="the swarm does not report it as ready; apply again, and if that does not help see journalctl -u docker on the node";;
            *) why="the swarm has lost its quorum; start the other managers. If they are lost for good: docker swarm init --force-new-cluster on this node"
                [ -z "$listed" ] || why="the other managers have a quorum, but this one does not connect to them; check that it can reach their port 2377, and see journalctl -u docker on the node";;
            esac
        fi;;
    esac
    ! late "$began" 120 || { echo "waited for two minutes: $why" >&2; exit 1; }
    if [ -n "$listed" ] && [ -z "$restarted" ] && late "$began" 45; then
        restarted=1
        systemctl restart docker
    fi
    sleep 1
done
)sh";

/// On each of the other members, until one is a manager: drains the node and demotes it to a
/// worker, if the swarm keeps its quorum. Variables: node, grace (seconds).
inline constexpr std::string_view kPutOut = R"sh(docker_up || exit 1
case $(docker_get /nodes) in "reply 200 "*) ;; *) echo "not a manager, or without quorum" >&2; exit 1;; esac
entry=$(docker node inspect "$node" --format '{{.Status.State}} {{.Spec.Role}} {{with .ManagerStatus}}{{.Reachability}}{{end}}' 2>/dev/null) || { echo gone; exit 0; }
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
docker_again docker node update --availability drain "$node"
if [ "$1" = ready ]; then
    began=$(seconds)
    while case $(docker_get "/tasks?filters=%7B%22node%22%3A%5B%22$node%22%5D%7D") in *'"State":"running"'*) ;; *) false;; esac; do
        ! late "$began" "$grace" || break
        sleep 1
    done
fi
if [ "$2" = manager ]; then
    docker_again docker node demote "$node"
    began=$(seconds)
    while case $(docker_get "/nodes/$node") in *'"ManagerStatus":'*) ;; *) false;; esac; do
        ! late "$began" 30 || break
        sleep 1
    done
fi
echo out
)sh";

/// On the node itself, or on another member if its machine no longer exists. Reads the output of
/// kPutOut; no input means that no other manager is left. Variables: node, marker, identity.
inline constexpr std::string_view kLeave = R"sh(while read -r word rest; do
    [ "$word" != refuse ] || { echo "$rest" >&2; exit 1; }
done
docker_up || systemctl start docker
case $(docker_get /info) in
*'"NodeID":"'"$node"'"'*)
    docker swarm leave --force >/dev/null
    rm -f "$marker"
    rmdir "${marker%/*}" 2>/dev/null || :;;
esac
)sh";

/// On each of the other members, until one is a manager: removes the entry. Variables: node.
inline constexpr std::string_view kForget = R"sh(docker_up || exit 1
case $(docker_get /nodes) in "reply 200 "*) ;; *) exit 1;; esac
docker node inspect "$node" >/dev/null 2>&1 || exit 0
forget() { docker node rm --force "$node" || ! docker node inspect "$node" >/dev/null 2>&1; }
docker_again forget
)sh";

} // namespace hadeploy::ssh::docker
