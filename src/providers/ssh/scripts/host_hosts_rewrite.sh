#!/bin/sh
# Replaces our block in the file $n of the current directory. Variables: directory, n, id, begin and
# end (the lines around the block), block ("1": the new block is on standard input; "": remove it).
hadeploy_need "$directory"
hadeploy_roots . && ! hadeploy_shared || hadeploy_refuse "users other than root can write to the directory of $n"
[ -e "./$n" ] || : >"./$n"
hadeploy_private "$id"
cp -p -- "./$n" "$hadeploy_new"
# Without an end line it is not a block, and its lines are left unchanged.
{
    [ -z "$block" ] || cat
    awk -v b="$begin" -v e="$end" '$0 == b { if (s) printf "%s", held; held = $0 "\n"; s = 1; next }
        s && $0 == e { held = ""; s = 0; next }
        s { held = held $0 "\n"; next }
        { print }
        END { printf "%s", held }' "./$n"
} >"$hadeploy_new"
# awk adds a newline to a last line that had none; truncate of BusyBox knows no relative sizes
[ -z "$(tail -c 1 -- "./$n")" ] || truncate -s "$(($(stat -c %s -- "$hadeploy_new") - 1))" -- "$hadeploy_new"
sync -- "$hadeploy_new"
# In a container the file is a mount point, which rename() cannot replace.
mv -fT -- "$hadeploy_new" "./$n" 2>/dev/null || {
    cat -- "$hadeploy_new" >"./$n"
    rm -f -- "$hadeploy_new"
}
hadeploy_public
