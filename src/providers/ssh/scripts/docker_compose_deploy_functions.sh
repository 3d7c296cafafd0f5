#!/bin/sh
# Variables: project, directory, limit (seconds to wait for the containers), old_variables (a function that
# exports the variables of the previous version). Until the new version runs, ./.old has the files of the
# previous one.
look_at_containers() {
    waits= failed= unread=
    listed=$(docker ps -a --filter "label=com.docker.compose.project=$project" --format '{{.Names}} {{.Status}}' 2>/dev/null) || {
        unread=$(docker ps 2>&1 >/dev/null) || :
        unread=${unread:-docker ps failed}
        return
    }
    while read -r container status; do
        case $status in
        *'(unhealthy)'*|*'health: starting'*|Created*|Restarting*|Paused*|'Up Less than'*) waits="$container ($status)" ;;
        'Up '*|'Exited (0)'*) ;;
        ?*) failed="$container ($status)" ;;
        esac
    done <<END
$listed
END
}
# Waits until all containers of the project run for three seconds and are healthy, or have exited with
# status 0. Otherwise sets `why`.
containers_run() {
    began=$(seconds) good=
    while :; do
        look_at_containers
        if [ -n "$failed" ]; then break; fi
        if [ -n "$waits$unread" ]; then good=
        elif [ -z "$good" ]; then good=$(seconds)
        elif late "$good" 3; then return 0; fi
        if [ -n "$waits$unread" ] && late "$began" "$limit"; then break; fi
        sleep 1
    done
    if [ -n "$unread" ]; then
        why="Docker does not list the containers: $unread"
        return 1
    fi
    broken=${failed:-$waits}
    docker logs --tail 12 "${broken%% *}" >&2 2>&1 || :
    why="the container ${broken%% *} does not run: ${broken#* }"
    return 1
}
start_containers() {
    said=$(compose -f compose.yml up -d --remove-orphans 2>&1 </dev/null) && return 0
    printf '%s\n' "$said" >&2
    why="the containers cannot be started: ${said##*
}"
    return 1
}
remove_files() {
    for entry in ./* ./.[!.]*; do
        case $entry in ./.new|./.old|./.hadeploy|'./*'|'./.[!.]*') ;; *) rm -rf -- "$entry" ;; esac
    done
}
# Keeps the files of a version that was deployed completely.
keep_version() {
    grep -q '^digest ' ./.hadeploy && [ -f ./compose.yml ] || return 0
    sum=$(sha256sum <./compose.yml)
    grep -qx "written ${sum%% *}" ./.hadeploy || return 0
    rm -rf -- ./.old ./.old.new
    mkdir ./.old.new
    for entry in ./* ./.[!.]*; do
        case $entry in ./.new|./.old.new|'./*'|'./.[!.]*') ;; *) cp -R -p -- "$entry" ./.old.new ;; esac
    done
    mv -- ./.old.new ./.old
}
# Ends with the error `why`. Before that, the previous version is started again, if there is one.
give_up() {
    [ -d ./.old ] || hadeploy_refuse "hadeploy: $why"
    cause=$why
    old_variables
    remove_files
    cp -R -p -- ./.old/. .
    if start_containers && containers_run; then
        rm -rf -- ./.old
        hadeploy_refuse "hadeploy: the compose project $project was rolled back: $cause"
    fi
    hadeploy_refuse "hadeploy: $cause; its previous version does not run either: $why"
}
