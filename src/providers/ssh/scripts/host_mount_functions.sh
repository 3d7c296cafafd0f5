#!/bin/sh
# Variables: place (the mount point), path (the same as in /etc/fstab).
#
# `look` sets $on to source, type and options of the file system that is mounted last on $place, as in
# /proc/mounts, or to "".
look() {
    on=
    while read -r hadeploy_source hadeploy_place hadeploy_rest; do
        [ "$hadeploy_place" != "$path" ] || on="$hadeploy_source $hadeploy_rest"
    done </proc/mounts
    on=${on% 0 0}
}
# `is_from SOURCE BIND`: whether $on is from this source, given as in the spec. The kernel knows devices
# by other names, and does not name the source directory of a bind mount (BIND not empty). Access to a
# mount whose server is down would block, so only bind mounts are accessed.
is_from() {
    shown=${on%% *}
    case $1 in
    UUID=*) [ "/dev/disk/by-uuid/${1#*=}" -ef "$shown" ] && return 0 ;;
    LABEL=*) [ "/dev/disk/by-label/${1#*=}" -ef "$shown" ] && return 0 ;;
    PARTUUID=*) [ "/dev/disk/by-partuuid/${1#*=}" -ef "$shown" ] && return 0 ;;
    PARTLABEL=*) [ "/dev/disk/by-partlabel/${1#*=}" -ef "$shown" ] && return 0 ;;
    /dev/*) [ "$1" -ef "$shown" ] && return 0 ;;
    esac
    if [ -n "$2" ]; then
        # shellcheck disable=SC2016 # for the inner shell
        timeout 10 sh -c '[ "$1" -ef "$2" ]' sh "$1" "$place"
        return
    fi
    case $shown in /dev/loop*)
        backing=
        { read -r backing <"/sys/block/${shown#/dev/}/loop/backing_file"; } 2>/dev/null || :
        [ "$backing" != "$1" ] || return 0 ;;
    *\\*) shown=$(printf %b "$shown") ;; # \040 is a space
    esac
    [ "${shown%/}" = "${1%/}" ]
}
