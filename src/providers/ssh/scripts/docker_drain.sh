#!/bin/sh
# Drains the node after the handover. Variables: node, patience.
docker_again docker node update --availability drain "$node"
[ "$patience" -gt 0 ] || exit 0
hand_back
