#!/bin/sh
# A shell that cannot write its output must not continue with the next section.
export LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
cd /
hadeploy_mark() {
    printf '\n%s %s %s\n' "$hadeploy_boundary" "$1" "$2" &&
        printf '\n%s %s %s\n' "$hadeploy_boundary" "$1" "$2" >&2 || exit 1
}
hadeploy_end() {
    hadeploy_mark end 0
    exit 0
}
hadeploy_step() {
    hadeploy_mark "$1" "$2"
    [ "$2" = 0 ] || hadeploy_end
}
hadeploy_look() {
    hadeploy_mark "$1" "$2"
}
hadeploy_start=0
