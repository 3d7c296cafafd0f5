#!/bin/sh
gluster_up() {
    pid= comm=
    { read -r pid </run/glusterd.pid || [ -n "$pid" ]; } 2>/dev/null || return 1
    { read -r comm <"/proc/$pid/comm"; } 2>/dev/null || return 1
    case $comm in gluster*) ;; *) return 1;; esac
}
show() {
    while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done <"$1"
}
gl() {
    gl_began=$(seconds)
    while ! gl_out=$(gluster --mode=script "$@" 2>&1 </dev/null); do
        case $gl_out in *"Another transaction"*|*"Locking failed"*|*"locking failed"*|*"Please try again"*)
            if ! late "$gl_began" 60; then sleep 2; continue; fi;;
        esac
        printf '%s\n' "$gl_out" >&2
        return 1
    done
    printf '%s\n' "$gl_out"
}
