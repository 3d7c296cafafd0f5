#!/bin/sh
# Variables: line, old (the present lines according to the plan, or ""), regexp (or ""). The notes are
# the lines that were replaced, "was LINE".
begin_edit
numbers=
[ -z "$regexp" ] || numbers=$(numbers E "$regexp")
same=$(numbers xF "$line${old:+
$old}")
# shellcheck disable=SC2086 # words
numbers=$(printf '%s\n' $numbers $same | sort -nu)
at=end
[ -n "$numbers" ] || find_place
if ! grep -qsv '^file$' "$memory"; then
    was=$(numbers=$numbers awk '
        BEGIN { count = split(ENVIRON["numbers"], all, "\n"); for (i = 1; i <= count; i++) is[all[i] + 0] = 1 }
        NR in is { print "was " $0 }' "$text")
    note "${was:-added}"
fi
part=$line
replace_part >"$hadeploy_new"
end_edit
