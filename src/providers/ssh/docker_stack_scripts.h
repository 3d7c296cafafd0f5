#pragma once

#include <string_view>

/// The scripts of docker.stack, each to stand behind docker::functions() and the assignment of the
/// variables that it names. In all of them: stack (name), by_stack and by_identity (filters of list
/// requests: the stack's own objects, and the config object that tells whose stack it is).
namespace hadeploy::ssh::docker {

inline constexpr std::string_view kStackProbe =
    R"sh(command -v dockerd >/dev/null || { echo none; exit 0; }
if ! docker_up; then
    if [ -e /var/lib/docker/swarm/docker-state.json ]; then echo stopped; else echo none; fi
    exit 0
fi
docker_get "/services?$by_stack" "/configs?$by_identity"
)sh";

/// Before anything is made: is there a stack of the name that is somebody else's? Then a config
/// object of ours is made, the first of the stack's objects, whose labels make it part of the stack
/// (`docker stack rm` takes it along) and tell whose it is. Variables: identity.
inline constexpr std::string_view kStackOwn =
    R"sh(docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
answers=$(docker_get "/services?$by_stack" "/configs?$by_identity")
case $answers in
*'not a swarm manager'*) echo "this host is no manager of a swarm; name the managers first in \`hosts\`" >&2; exit 1;;
*'does not have a leader'*) echo "the swarm has lost its quorum; start the other managers, then apply again" >&2; exit 1;;
esac
case $answers in *'"hadeploy.identity":"'"$identity"'"'*) ;; *)
    case $answers in *'"com.docker.stack.namespace":"'"$stack"'"'*)
        echo "there is a stack \"$stack\" that hadeploy did not make; choose another name, or remove it: docker stack rm $stack" >&2
        exit 1;;
    esac
    printf %s "$note" | docker config create \
        --label com.docker.stack.namespace="$stack" --label hadeploy.identity="$identity" \
        "hadeploy.stack.$stack" - >/dev/null;;
esac
)sh";

/// Variables: options (words), files (set up by the caller: a function that writes the local files
/// the compose file names into the current directory). Reads the compose file.
inline constexpr std::string_view kStackDeploy = R"sh(directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
cat >compose.yml
files
docker stack deploy $options -c compose.yml "$stack" >/dev/null
)sh";

/// Waits until every service has the tasks it should have. Variables: seconds.
/// Twice in a row, as an update begins a moment after it was asked for.
inline constexpr std::string_view kStackWait = R"sh(left=$seconds good=0
while [ $good -lt 2 ]; do
    answer=$(docker_get "/services?status=true&$by_stack")
    behind=
    for pair in $(printf '%s\n' "$answer" | grep -o '"RunningTasks":[0-9]*,"DesiredTasks":[0-9]*'); do
        running=${pair#*:}
        [ "${running%%,*}" -eq "${pair##*:}" ] || behind=1
    done
    case $answer in
    "reply 200 "*) ;;
    *) behind=1;;
    esac
    case $answer in
    *'"UpdateStatus":{"State":"updating"'*|*'"UpdateStatus":{"State":"rollback_started"'*) behind=1;;
    *'"UpdateStatus":{"State":"paused"'*|*'"UpdateStatus":{"State":"rollback_'*) left=0 behind=1;;
    esac
    if [ -z "$behind" ]; then good=$((good + 1)); else good=0; fi
    if [ $left -le 0 ] && [ -n "$behind" ]; then
        docker stack services "$stack" --format '{{.Name}}: {{.Replicas}} running' >&2 || :
        # of each error one task that had it
        docker stack ps --no-trunc "$stack" --format '{{.Error}}|{{.Name}} on {{.Node}}: {{.CurrentState}}' |
            sort -t '|' -u -k 1,1 | sed -n 's/^\([^|][^|]*\)|\(.*\)/\2: \1/p' | head -n 8 >&2 || :
        echo "not all tasks of the stack run$([ "$seconds" -le 0 ] || echo " after $seconds s")" >&2
        exit 1
    fi
    left=$((left - 1))
    sleep 1
done
)sh";

/// Notes on the config object what is now deployed, so that it can be read back by whoever asks.
/// Variables: sha256, note64 (note in base64: an update has to tell the unchanged text again).
inline constexpr std::string_view kStackNote = R"sh(answer=$(docker_get "/configs?$by_identity")
id=${answer#*'"ID":"'} version=${answer#*'"Index":'}
id=${id%%'"'*} version=${version%%[!0-9]*}
answer=$(printf '{"Name":"hadeploy.stack.%s","Data":"%s","Labels":{"com.docker.stack.namespace":"%s","hadeploy.identity":"%s","hadeploy.sha256":"%s"}}' \
    "$stack" "$note64" "$stack" "$identity" "$sha256" | docker_post "/configs/$id/update?version=$version")
case $answer in "reply 200 "*) ;; *) printf '%s\n' "$answer" >&2; exit 1;; esac
)sh";

/// Networks stay in use until the last task is gone, so that it takes more than one round.
inline constexpr std::string_view kStackRemove =
    R"sh(docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
answers=$(docker_get "/services?$by_stack" "/configs?$by_identity")
case $answers in
*'not a swarm manager'*|*'does not have a leader'*) echo "this host is no manager of a swarm with a quorum" >&2; exit 1;;
*'"hadeploy.identity":"'"$identity"'"'*) ;;
*'"com.docker.stack.namespace":"'"$stack"'"'*) echo "the stack \"$stack\" is not ours any more: it was made anew by somebody else" >&2; exit 1;;
esac
round=0
while :; do
    said=$(docker stack rm "$stack" 2>&1) || :
    waited=0
    while [ $waited -lt 15 ]; do
        left=$(docker_get "/services?$by_stack" "/tasks?$by_stack" "/networks?$by_stack")
        case $left in *'"ID":'*|*'"Id":'*) ;; *) exit 0;; esac
        case $left in *'"State":"running"'*) ;; *) [ $waited -lt 2 ] || break;; esac
        waited=$((waited + 1))
        sleep 1
    done
    round=$((round + 1))
    if [ $round -ge 6 ]; then
        # what is left belongs to nodes that are down: the swarm drops it when it gives them up
        left=$(docker_get "/services?$by_stack" "/networks?$by_stack")
        case $left in *'"ID":'*|*'"Id":'*) printf '%s\n' "$said" >&2; exit 1;; esac
        exit 0
    fi
done
)sh";

} // namespace hadeploy::ssh::docker
