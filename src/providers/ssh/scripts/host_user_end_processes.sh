#!/bin/sh
# Kills the processes of $u, and repeats this, because a process may start a new one in the
# meantime.
uid=$(id -u "$u")
for round in 1 2 3 4 5 6 7 8 9 10; do
    found=
    for process in /proc/[0-9]*; do
        while read -r key real rest; do
            [ "$key" = Uid: ] || continue
            if [ "$real" = "$uid" ]; then found=1; kill -KILL "${process#/proc/}" || :; fi
            break
        done <"$process/status" || :
    done 2>/dev/null
    [ -n "$found" ] || break
    sleep 0.2
done
