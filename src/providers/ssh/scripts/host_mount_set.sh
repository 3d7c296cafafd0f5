#!/bin/sh
# Variables: place, path, source, line (the entry of /etc/fstab), type, options, bind, mounted, over
# (each "1" or ""), old and old_bind (the previous source, or ""), fresh ("1" if the options changed).
# The notes are our changes: "entry", or "was LINE" of an entry that was replaced; "mounted",
# "directory".
remember() { grep -qsxF -e "$1" "$memory" || hadeploy_note "$1"; }
mount_it() {
    mkdir_it
    [ -z "${type##nfs*}" ] && ! command -v mount.nfs >/dev/null &&
        hadeploy_refuse "hadeploy: the program mount.nfs is not installed; add the package nfs-common"
    remember mounted
    mount -t "$type" -o "$options" -- "$source" "$place" && return 0
    # an entry that has worked before is mounted again
    if [ -z "$old" ]; then sed -i '/^mounted$/d' "$memory"; else mount -- "$place" 2>/dev/null || :; fi
    return 1
}
mkdir_it() {
    [ -d "$place" ] || remember directory
    (
        hadeploy_enter "$place" make || hadeploy_refuse "hadeploy: $place is not a directory"
        hadeploy_roots .. || hadeploy_refuse "hadeploy: $place is in a directory that a user other than root owns, so that user could replace $place before the mount; choose a path whose parent directories all belong to root"
        [ -n "$over" ] || ! hadeploy_holds . || hadeploy_refuse "hadeploy: $place is not empty, and the mount would hide its contents; move them, or set \`over: true\`"
    ) || exit 1
}
write_entry() {
    begin_edit
    fstab_numbers
    if ! grep -qsE '^(entry|was )' "$memory"; then
        if [ -z "$numbers" ]; then note entry
        elif [ "$(sed -n "${numbers}p" "$text")" != "$line" ]; then note "was $(sed -n "${numbers}p" "$text")"; fi
    fi
    part=$line at=end
    replace_part >"$hadeploy_new"
    end_edit
    reload
}
remount() {
    case $type in nfs*) unmount; mount_it; return ;; esac
    case ,$options, in *atime,*) atime= ;; *) atime=,relatime ;; esac # otherwise noatime would stay
    mount -o "remount$atime" -- "$place"
}
look
ours=
[ -z "$on" ] || ! is_from "$source" "$bind" || ours=1
if [ -n "$on" ] && [ -z "$ours" ]; then
    [ -n "$old" ] && is_from "$old" "$old_bind" || hadeploy_refuse "hadeploy: something else is mounted on $place: $on"
    unmount
fi
if [ -z "$mounted" ]; then
    [ -z "$ours" ] || unmount
elif [ -z "$ours" ]; then mount_it; fi
write_entry
if [ -n "$ours" ] && [ -n "$mounted" ] && [ -n "$fresh" ]; then remount; fi
