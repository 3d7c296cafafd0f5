#!/bin/sh
# Removes the packages in $ours that hadeploy installed and that are still there.
gone=
if [ -r "$memory" ]; then
    while read -r p q; do
        case " $ours " in *" $p "*) ;; *) continue ;; esac
        q=${q:-$p}
        case " $gone " in *" $q "*) ;; *) ! by_name "$q" || gone="$gone $q" ;; esac
    done <"$memory"
fi
if [ -n "$gone" ]; then
    # shellcheck disable=SC2086 # words
    apt remove $gone || { printf '%s\n' "$log" >&2; exit 100; }
fi
