#!/bin/sh
# Variables: discard ("1" or ""), directory and n (of the path). Without a note the work tree was there
# before hadeploy, and stays.
remove_tree() {
    if [ -e "$path/.git" ] && [ -z "$discard" ]; then
        safe_tree
        work=$(local_work --untracked-files=normal)
        [ -z "$work" ] || hadeploy_refuse "hadeploy: $path has ${work#, }, which would be lost; save them, or set \`keep: true\` or \`discard_changes: true\`"
    fi
    (hadeploy_remove_directory "$directory" "$n" tree)
}
! grep -qsx created "$memory" || remove_tree
