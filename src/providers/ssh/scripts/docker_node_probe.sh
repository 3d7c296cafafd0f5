#!/bin/sh
# On the node. Variables: marker (path).
# If the daemon is down, Docker's state files show whether the node is in a swarm.
identity=
{ read -r identity <"$marker"; } 2>/dev/null
command -v dockerd >/dev/null || { echo none; exit 0; }
if ! docker_up; then
    if [ -e /var/lib/docker/swarm/docker-state.json ]; then echo stopped; else echo none; fi
    exit 0
fi
echo "up $identity"
docker_get /info /nodes
