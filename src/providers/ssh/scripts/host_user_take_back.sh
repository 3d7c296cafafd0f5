#!/bin/sh
# Variables: force ("1": kill the processes of the user).
trap 'rm -f "$memory.keys" "$memory.err"' EXIT
if [ -r "$memory" ] && getent passwd "$u" >/dev/null; then
    created=; shell=; made=; umask 077; : >"$memory.keys"
    while IFS= read -r line; do case $line in
        created) created=1 ;;
        "shell "*) [ -n "$shell" ] || shell=${line#shell } ;;
        "made "*) made="$made ${line#made }" ;;
        "key "*) printf '%s\n' "${line#key }" >>"$memory.keys" ;;
        "group "*) ! entry=$(getent group "${line#group }") || gpasswd -d "$u" "${entry%%:*}" >/dev/null 2>&1 || : ;;
    esac; done <"$memory"
    : >"$memory.err"; umask 022
    if [ -n "$created" ]; then
        [ -z "$force" ] || end_processes
        # A home directory of a different user stays. userdel would fail if the directory is not the
        # user's, and would remove one that contains the home of a different user.
        remove=-r
        case $(stat -L -c %u -- "$home" 2>/dev/null) in ''|"$(id -u -- "$u")") ;; *) remove= ;; esac
        # A user who owns a directory above it could make userdel remove a different directory.
        parent=${home%/*}
        (hadeploy_enter "${parent:-/}" && hadeploy_roots . && { ! hadeploy_shared || [ -k . ]; }) 2>/dev/null || remove=
        getent passwd | while IFS=: read -r name rest rest rest rest other rest; do
            [ "$name" != "$u" ] || continue
            case $other/ in "${home%/}"/*) exit 1 ;; esac
        done || remove=
        userdel $remove -- "$u" 2>"$memory.err" || { grep -v 'mail spool' "$memory.err" >&2; exit 1; }
    else
        [ -z "$shell" ] || usermod -s "$shell" "$u"
        [ ! -s "$memory.keys" ] || (remove_keys) <"$memory.keys"
    fi
fi
