#!/bin/sh
# Arguments: the paths of requests.
command -v dockerd >/dev/null || { echo none; exit 0; }
docker_up || { echo stopped; exit 0; }
docker_get "$@"
