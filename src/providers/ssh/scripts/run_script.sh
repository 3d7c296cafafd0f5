#!/bin/sh
# Runs a script in a process group of its own, and terminates the group when standard input ends, because then
# the connection has ended. Variables: hadeploy_boundary, script.
exec 3<&0
printf '%s start\n' "$hadeploy_boundary"
setsid sh -c "$script" </dev/null 3<&- &
job=$!
{
    while read -r _; do :; done
    # the group does not exist until setsid has run
    kill -- "-$job" 2>/dev/null || kill "$job"
} <&3 >/dev/null 2>&1 &
watch=$!
status=0
wait "$job" || status=$?
kill "$watch" 2>/dev/null || :
printf '%s end %d\n' "$hadeploy_boundary" "$status"
read -r _ <&3 || :
