#!/bin/sh
# Variables: place, path, source, bind ("1" or ""). Prints "entry SOURCE TYPE OPTIONS PASS" for each line
# of /etc/fstab for the path, "mount SOURCE TYPE OPTIONS" for the last file system on it, and "same" if
# that file system is from the source. Only the check of a bind mount starts a process.
if [ -f /etc/fstab ]; then
    while read -r device on type options dump pass rest || [ -n "$device" ]; do
        case $device in ''|'#'*) continue ;; esac
        [ "${on%/}" != "$path" ] || echo "entry $device $type ${options:-defaults} ${pass:-0}"
    done </etc/fstab
fi
look
[ -z "$on" ] || {
    echo "mount $on"
    ! is_from "$source" "$bind" || echo same
}
