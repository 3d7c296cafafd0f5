#!/bin/sh
# Creates the container, or replaces it by a new one. If the new one fails, the previous one is started again.
# Standard input: the body of the request that creates it.
body=$(cat)
# A killed change: the previous container is the one that is known to work.
if exists "$new" && is_ours "$new"; then remove_container "$new"; fi
if exists "$old" && is_ours "$old"; then
    if exists "$name" && is_ours "$name"; then remove_container "$name"; fi
    rename_container "$old" "$name"
fi
before=
if exists "$name"; then
    is_ours "$name" || hadeploy_refuse "hadeploy: there is a container $name that this resource did not create"
    before=yes
fi
for network in $networks; do # Docker would notice a missing one only when it starts the container
    docker network inspect "$network" >/dev/null 2>&1 || hadeploy_refuse "hadeploy: nothing was changed: the host has no network $network"
done
if ! docker image inspect "$image" >/dev/null 2>&1; then
    pull_image "$image"
fi
answer=$(printf %s "$body" | docker_post "/containers/create?name=$new")
case $answer in "reply 201 "*) ;; *)
    said=${answer#*'"message":"'}
    hadeploy_refuse "hadeploy: the container $name cannot be created: ${said%'"}'*}" ;;
esac
first=yes
for network in $networks; do
    if [ -n "$first" ]; then first=; continue; fi
    said=$(docker network connect "$network" "$new" 2>&1) || {
        remove_container "$new"
        hadeploy_refuse "hadeploy: the container $name cannot be attached to the network $network: ${said#Error response from daemon: }"
    }
done
if [ -n "$before" ]; then
    docker stop "$name" >/dev/null
    rename_container "$name" "$old"
fi
rename_container "$new" "$name"
if start_container && container_runs; then
    [ -z "$before" ] || remove_container "$old"
    exit 0
fi
[ -n "$before" ] || hadeploy_refuse "hadeploy: $why"
cause=$why
remove_container "$name"
rename_container "$old" "$name"
if start_container && container_runs; then
    hadeploy_refuse "hadeploy: the container $name was rolled back: $cause"
fi
hadeploy_refuse "hadeploy: $cause; the previous container does not run either: $why"
