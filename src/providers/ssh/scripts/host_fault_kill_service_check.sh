#!/bin/sh
# Variables: service. Sets $container.
container=$(docker ps -q --no-trunc --filter "label=com.docker.swarm.service.name=$service" | head -n 1)
[ -n "$container" ] || { echo "hadeploy: no task of $service runs on this node" >&2; exit 1; }
