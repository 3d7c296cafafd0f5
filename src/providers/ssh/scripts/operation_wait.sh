#!/bin/sh
# The second line of the output of an operation is its first mark: boundary, "start", boot id,
# process. The operation is running if and only if the standard output of that process is that
# file, so a reused process id is not mistaken for it.
hadeploy_works() {
    hadeploy_worker=
    [ -e "$1" ] || return 1
    { read -r hadeploy_word; read -r hadeploy_word hadeploy_word hadeploy_word hadeploy_worker; } 2>/dev/null <"$1"
    [ "/proc/$hadeploy_worker/fd/1" -ef "$1" ]
}
hadeploy_busy() {
    for hadeploy_file in "/run/hadeploy/$hadeploy_state".*.out; do
        hadeploy_works "$hadeploy_file" && return 0
    done
    return 1
}
hadeploy_wait() {
    hadeploy_rounds=0
    while hadeploy_busy; do
        if [ "$hadeploy_rounds" = "$hadeploy_patience" ]; then
            hadeploy_mark busy "$hadeploy_worker"
            exit 0
        fi
        [ "$hadeploy_rounds" != 0 ] || hadeploy_mark waiting "$hadeploy_worker"
        hadeploy_rounds=$((hadeploy_rounds + 1))
        sleep 0.5
    done
}
