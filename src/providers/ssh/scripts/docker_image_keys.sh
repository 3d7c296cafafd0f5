#!/bin/sh
# edit_keys LINE: replaces the key of $identity in authorized_keys of $user by a line; with "", removes it. The user
# does it, so that a link in the home cannot redirect root.
# shellcheck disable=SC2016 # for the inner shell
edit_keys() {
    set -- sh -euc 'umask 077
        cd ~
        mkdir -p .ssh
        exec 9<.ssh
        flock 9
        file=$(readlink -f .ssh/authorized_keys)
        new=$file.hadeploy-new
        rm -f "$new"
        grep -v " hadeploy-image-$1\$" "$file" >"$new" 2>/dev/null || :
        [ -z "$2" ] || printf "%s\n" "$2" >>"$new"
        if [ -s "$new" ]; then mv "$new" "$file"; else rm -f "$new" "$file"; fi' sh "$identity" "$1"
    if [ "$user" = root ]; then HOME=~root "$@"; else runuser -u "$user" -- env HOME="$(eval "echo ~$user")" "$@"; fi
}
