#!/bin/sh
# The timer belongs to systemd, so it fires even if hadeploy, its connection or Docker has ended
# by then.
docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
command -v systemd-run >/dev/null || { echo "systemd-run is missing; it is needed for the undo timer" >&2; exit 1; }
case $(docker_get "/nodes/$node") in "reply 200 "*) ;; *) echo "the swarm has no node $node, or this host is not a manager" >&2; exit 1;; esac
systemctl stop "$unit.timer" "$unit.service" 2>/dev/null || :
systemd-run -q --collect --unit "$unit" --on-active "$seconds" --timer-property AccuracySec=1s \
    --property RuntimeMaxSec=1h \
    sh -c "node=$node; until ( $undo ); do sleep 5; done"
