#!/bin/sh
docker_again docker node update --availability active "$node" && hand_back || exit 1
systemctl stop "$unit.timer" "$unit.service" 2>/dev/null || :
