#!/bin/sh
# Variables: begin, end (the marker lines).
remove_block() {
    (hadeploy_enter "$directory" && [ -f "./$n" ]) || return 0
    begin_edit
    block_numbers
    if [ -n "$numbers" ]; then
        part= at=end
        replace_part >"$hadeploy_new"
        end_removal
    else abandon_edit; fi
}
remove_block
