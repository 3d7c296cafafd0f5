#!/bin/sh
# The home belongs to the user, whose links must not redirect writes by root. Reads the keys from
# standard input.
hadeploy_need "$home"
if [ ! -e ./.ssh ] && [ ! -L ./.ssh ]; then
    hadeploy_note "made .ssh"
    hadeploy_directory "${home%/}/.ssh" "$u:$(id -g "$u")" 0700
fi
hadeploy_edit "${home%/}/.ssh" authorized_keys "$id"
: >"$hadeploy_new"
if [ ! -e "$hadeploy_old" ]; then
    hadeploy_note "made authorized_keys"
else
    cat "$hadeploy_old" >"$hadeploy_new"
    # Without a newline at the end, the next key would be appended to the last line.
    [ -z "$(tail -c 1 "$hadeploy_old")" ] || echo >>"$hadeploy_new"
fi
while IFS= read -r key; do
    grep -qxF -e "$key" "$hadeploy_new" || { hadeploy_note "key $key"; printf '%s\n' "$key" >>"$hadeploy_new"; }
done
hadeploy_edited authorized_keys "$u:$(id -g "$u")" 600
