#!/bin/sh
# On each of the other members, until one is a manager with quorum: checks whether the swarm still
# lists the node. The node itself cannot distinguish its removal from the list while it was down
# from a swarm without quorum. Prints `listed` or `gone`. Variables: node (id).
docker_up || { echo "Docker does not run" >&2; exit 1; }
case $(docker_get "/nodes/$node") in
"reply 200 "*) echo listed;;
"reply 404 "*) echo gone;;
*) echo "not a manager, or its swarm has lost its quorum: start the other managers" >&2; exit 1;;
esac
