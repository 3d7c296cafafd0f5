#!/bin/sh
# Makes the node active and ends an interrupted handover, without functions of other scripts, because
# timers run it. Variable: node.
docker node update --availability active "$node" >/dev/null || exit 1
id=$(docker node inspect "$node" --format '{{.ID}}') || exit 1
services=$(docker service ls --filter "label=hadeploy.handover.$id" --format '{{.Name}}') || exit 1
for service in $services; do
    docker service update --detach --label-rm "hadeploy.handover.$id" --constraint-rm "node.id!=$id" "$service" >/dev/null || exit 1
done
