#!/bin/sh
# Reads the keys from standard input. $made: files and directories that are removed too if they are
# empty. Without -a, grep drops all lines of a file that contains a NUL.
hadeploy_enter "${home%/}/.ssh" || exit 0
hadeploy_edit "$hadeploy_at" authorized_keys "$id"
[ -e "$hadeploy_old" ] || exit 0
grep -avxF -f - "$hadeploy_old" >"$hadeploy_new" || :
case " ${made-} " in *" authorized_keys "*) [ -s "$hadeploy_new" ] || {
    rm -f -- "$hadeploy_new" "$hadeploy_old" "$hadeploy_to/authorized_keys"
    hadeploy_public
    case " $made " in *" .ssh "*) hadeploy_enter "$home" && rmdir -- ./.ssh 2>/dev/null || : ;; esac
    exit 0
} ;; esac
hadeploy_edited authorized_keys
