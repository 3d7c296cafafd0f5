#!/bin/sh
# Uses only shell builtins, plus one request for the version if the daemon runs.
command -v dockerd >/dev/null || { echo missing; exit 0; }
docker_up && echo running
command -v docker >/dev/null || echo no client
for wants in /etc/systemd/system/*.wants/docker.service; do [ -L "$wants" ] && echo enabled; done
[ -e /var/lib/hadeploy/docker.engine ] && echo ours
if [ -f /etc/docker/daemon.json ]; then
    echo settings
    while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done </etc/docker/daemon.json
    echo end of settings
fi
docker_up && docker_get /_ping
exit 0
