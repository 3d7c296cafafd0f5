#!/bin/sh
# Prints the ID of the project that owns the files ("owner ID"), the digest of the deployed project, the
# digests of the compose file at that time and now, and Docker's list of the containers.
command -v dockerd >/dev/null || { echo none; exit 0; }
owner=
if (enter_project && [ -f ./.hadeploy ]) 2>/dev/null; then
    enter_project
    owner=$(cat ./.hadeploy)
fi
if ! docker_up; then
    if [ -n "$owner" ]; then echo stopped; else echo none; fi
    exit 0
fi
if [ -n "$owner" ]; then
    printf '%s\n' "$owner"
    if [ -f ./compose.yml ]; then
        sum=$(sha256sum <./compose.yml)
        echo "present ${sum%% *}"
    fi
fi
docker_get "/containers/json?all=true&$by_project"
