#!/bin/sh
# Variables: unit, path, in_mounts (the path as in /proc/mounts), enable (enable, disable), start.
# The commands that create the directories follow. The bare mount point is made immutable, because
# data written while nothing is mounted would land on the local disk. Reads the unit file from
# standard input.
is_mounted() {
    while read -r source place type rest; do
        [ "$place" != "$in_mounts" ] || [ "$type" != fuse.glusterfs ] || return 0
    done </proc/mounts
    return 1
}
command -v glusterfs >/dev/null || { echo "the program glusterfs is not installed; add the package glusterfs-client" >&2; exit 1; }
cat >"$units$unit.new"
if ! cmp -s "$units$unit.new" "$units$unit"; then
    mv "$units$unit.new" "$units$unit"
    systemctl daemon-reload
    systemctl stop "$unit"
else rm "$units$unit.new"; fi
if ! is_mounted; then
    if [ -d "$path" ]; then
        for entry in "$path"/* "$path"/.[!.]*; do
            [ ! -e "$entry" ] || { echo "$path is not empty, and the volume would hide its contents; move them away" >&2; exit 1; }
        done
    fi
    hadeploy_enter "$path" make || hadeploy_refuse "$path is not a directory"
    hadeploy_roots .. || hadeploy_refuse "$path is in a directory that a user owns, who could replace it before the mount; choose a path below directories of root"
    chattr +i . 2>/dev/null || : # not supported by every file system
    cd /
fi
# shellcheck disable=SC2086 # one word
systemctl -q --no-reload $enable "$unit"
[ -n "$start" ] || { systemctl stop "$unit"; exit 0; }
systemctl start "$unit"
began=$(seconds)
until is_mounted && timeout 10 stat -f "$path" >/dev/null 2>&1; do
    if late "$began" 120; then
        journalctl -u "$unit" -n 5 --no-pager -o cat >&2 || :
        echo "hadeploy: the volume could not be mounted within two minutes; do its bricks run (gluster volume status)? See also /var/log/glusterfs" >&2
        exit 1
    fi
    sleep 1
done
