#!/bin/sh
# Variables: begin, end (the marker lines). Reads the block with them from standard input.
part=$(cat)
begin_edit
block_numbers
at=end
[ -n "$numbers" ] || find_place
replace_part >"$hadeploy_new"
end_edit
