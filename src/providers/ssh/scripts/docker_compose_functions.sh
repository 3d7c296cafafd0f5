#!/bin/sh
# Variables: project, directory (of its files), id.
compose() {
    if docker compose version >/dev/null 2>&1; then docker compose -p "$project" "$@"
    elif command -v docker-compose >/dev/null; then docker-compose -p "$project" "$@"
    else hadeploy_refuse "hadeploy: the host has neither docker compose nor docker-compose; add the package docker-compose"; fi
}
enter_project() {
    hadeploy_enter "$directory" "$@" || return 1
    hadeploy_roots . && ! hadeploy_shared || hadeploy_refuse "hadeploy: users other than root can write to $directory, but root runs the files in it; choose a different \`directory\`"
}
