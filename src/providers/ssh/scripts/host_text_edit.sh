#!/bin/sh
# Edits a part of the text file $n in $directory. Variables: directory, n, id, after and before
# (extended regular expressions, or ""), create ("1" or "").
note() {
    hadeploy_note "$1"
    umask 077 # of the private directory
}
# `begin_edit` sets $text to the present file; the new one is written to $hadeploy_new.
begin_edit() {
    hadeploy_edit "$directory" "$n" "$id"
    text=$hadeploy_old
    if [ ! -e "$text" ]; then
        text=/dev/null
        [ -n "$create" ] || hadeploy_refuse "hadeploy: there is no file ${directory%/}/$n, and \`create\` is not set"
        note file
    fi
    [ -z "$(tr -d '\001-\377' <"$text" | tr '\000' x | head -c 1)" ] ||
        hadeploy_refuse "hadeploy: ${directory%/}/$n contains a NUL byte, so it is not a text file"
}
end_edit() { hadeploy_edited "$n" root:root 0644; }
abandon_edit() {
    rm -f -- "$hadeploy_new" "$hadeploy_old"
    hadeploy_public
}
# Ends the edit of a removal: a file that we created and that is empty now is removed.
end_removal() {
    if [ -s "$hadeploy_new" ] || ! grep -qsx file "$memory"; then end_edit
    else
        rm -f -- "$hadeploy_to/$n"
        abandon_edit
    fi
}
# `numbers OPTIONS PATTERNS`: the numbers of the lines that match, one a line. The patterns are not an
# argument of grep, because any user could read them there.
numbers() {
    matches=$(printf '%s\n' "$2" | grep "-an$1" -f - -- "$text") || [ $? = 1 ] || exit 1
    [ -z "$matches" ] || printf '%s\n' "$matches" | cut -d : -f 1
}
# Sets $at: a new part follows this line ("end": the last one).
find_place() {
    at=end
    if [ -n "$after" ]; then
        at=$(numbers E "$after")
        at=${at##*[!0-9]}
    elif [ -n "$before" ]; then
        at=$(numbers E "$before")
        at=${at%%[!0-9]*}
        [ -z "$at" ] || at=$((at - 1))
    fi
    [ -n "$at" ] || hadeploy_refuse "hadeploy: no line of ${directory%/}/$n matches \`${after:+after}${before:+before}\`"
}
# Prints $text without the lines with the given $numbers. $part replaces the first of them; if there are
# none, it follows the line $at. An empty $part adds nothing.
replace_part() {
    numbers=$numbers part=$part at=$at awk '
        function put() { if (!done && part != "") print part; done = 1 }
        BEGIN {
            part = ENVIRON["part"]; at = ENVIRON["at"]
            count = split(ENVIRON["numbers"], all, "\n")
            for (i = 1; i <= count; i++) drop[all[i] + 0] = 1
            if (!count && at == "0") put()
        }
        NR in drop { put(); next }
        { print }
        !count && at == NR "" { put() }
        END { if (!count) put() }' "$text"
}
