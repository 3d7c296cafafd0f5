#!/bin/sh
# Variables: old (the present lines). Without notes the line was there before hadeploy.
remove_line() {
    (hadeploy_enter "$directory" && [ -f "./$n" ]) || return 0
    begin_edit
    numbers=$(numbers xF "$old")
    if [ -n "$numbers" ]; then
        part=$(sed -n 's/^was //p' "$memory") at=end
        replace_part >"$hadeploy_new"
        end_removal
    else abandon_edit; fi
}
[ ! -e "$memory" ] || [ -z "$old" ] || remove_line
