#!/bin/sh
# Also removes containers of a killed change. Volumes stay.
for container in $(docker ps --all --quiet --filter "label=hadeploy.identity=$identity"); do
    docker stop "$container" >/dev/null
    remove_container "$container"
done
