#!/bin/sh
# Checks that the service stays up. systemd counts a service as started as soon as its process
# runs, unless the process reports when it is ready (Type=notify, dbus, forking) or systemd waits
# for its end (oneshot). Any other service that ends within three seconds counts as failed.
look
[ "$condition" != no ] || [ "$active" = active ] || { echo "hadeploy: $u was not started: a condition in the unit is not met (systemctl status $u)" >&2; exit 1; }
case $u:$type in
*.service:oneshot) grep -qsx ran "$memory" || hadeploy_note ran ;;
*.service:simple|*.service:exec|*.service:idle)
    first=$id began=$(seconds)
    while :; do
        case $active in active|reloading) ;; *) give_up 'does not stay up' ;; esac
        [ "$id" = "$first" ] || give_up 'does not stay up, systemd keeps restarting it'
        ! late "$began" 4 || break
        sleep 0.5
        look
    done ;;
esac
