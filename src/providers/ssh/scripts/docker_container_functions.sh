#!/bin/sh
# Variables: name, identity, by_id and by_name (filters of list requests), image, networks (words), restart
# (the policy), limit (seconds to wait for the container; 0: do not wait). A change creates NAME.hadeploy-new; the
# previous container is NAME.hadeploy-old until the new one runs.
need_docker
new=$name.hadeploy-new old=$name.hadeploy-old
# Whether a container of this name exists. Ends with an error if Docker does not answer.
exists() {
    listed=$(docker_read "/containers/json?all=true&$by_id" "/containers/json?all=true&$by_name") || exit 1
    case $listed in *'["/'"$1"'"'*|*',"/'"$1"'"'*) return 0;; esac
    return 1
}
is_ours() { [ "$(docker inspect --type container --format '{{index .Config.Labels "hadeploy.identity"}}' "$1")" = "$identity" ]; }
remove_container() { docker rm --force "$1" >/dev/null; }
rename_container() { docker rename "$1" "$2"; }
start_container() {
    said=$(docker start "$name" 2>&1 >/dev/null) && return 0
    printf '%s\n' "$said" >&2
    why="the container $name cannot be started: ${said#Error response from daemon: }"
    return 1
}
look_at_container() {
    look=$(docker inspect --type container --format '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}' "$name") || look='unknown 1 0 healthy'
    read -r status code restarts health <<END
$look
END
}
# Waits until the container has run for three seconds and is healthy, or is done. Otherwise sets `why`.
container_runs() {
    [ "$limit" -gt 0 ] || return 0
    began=$(seconds) good='' since='' ended=''
    while :; do
        look_at_container
        case $status in exited|restarting) ended=$code;; esac
        case $status/$health in
        running/healthy)
            if [ "$good" != "$restarts" ]; then good=$restarts since=$(seconds); fi
            ! late "$since" 3 || return 0 ;;
        exited/*)
            case $restart/$code in no/0|on-failure/0) return 0;; no/*) break;; esac ;;
        esac
        [ "$status/$health" = running/healthy ] || good=''
        if late "$began" $((limit + 3)); then break; fi
        sleep 1
    done
    docker logs --tail 12 "$name" >&2 2>&1 || :
    case $status/$health in
    running/healthy) # it ends and is started again
        why="the container $name has ended${ended:+ with status $ended}, and was started again $restarts times" ;;
    running/*) why="the container $name is not healthy after $(($(seconds) - began)) s ($health)" ;;
    exited/*|restarting/*) why="the container $name has ended with status $code" ;;
    *) why="the container $name does not run ($status)" ;;
    esac
    return 1
}
