#!/bin/sh
# Variables: place, path, source, bind. Without notes everything was there before hadeploy, and stays.
remove_mount() {
    look
    if grep -qx mounted "$memory" && [ -n "$on" ] && is_from "$source" "$bind"; then unmount; fi
    if grep -qE '^(entry|was )' "$memory"; then
        begin_edit
        fstab_numbers
        part=$(sed -n 's/^was //p' "$memory") at=end
        if [ -n "$numbers" ]; then
            replace_part >"$hadeploy_new"
            end_removal
        else abandon_edit; fi
        reload
    fi
    if grep -qx directory "$memory"; then rmdir -- "$place" 2>/dev/null || :; fi
}
[ ! -e "$memory" ] || remove_mount
