#!/bin/sh
# Waits until all containers of the project run for three seconds and are healthy, or have exited with
# status 0. Variables: limit (seconds).
look_at_containers() {
    waits= failed=
    listed=$(docker ps -a --filter "label=com.docker.compose.project=$project" --format '{{.Names}} {{.Status}}')
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
began=$(seconds) good=
while :; do
    look_at_containers
    if [ -n "$failed" ]; then break; fi
    if [ -n "$waits" ]; then good=
    elif [ -z "$good" ]; then good=$(seconds)
    elif late "$good" 3; then exit 0; fi
    if [ -n "$waits" ] && late "$began" "$limit"; then break; fi
    sleep 1
done
broken=${failed:-$waits}
docker logs --tail 12 "${broken%% *}" >&2 2>&1 || :
hadeploy_refuse "hadeploy: the container ${broken%% *} does not run: ${broken#* }"
