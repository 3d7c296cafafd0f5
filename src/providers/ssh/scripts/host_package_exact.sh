#!/bin/sh
# apt treats an unknown name with a '.' as a pattern, and drops a trailing '+', so it could install
# a different package. Sets $unknown to the first such name.
exact() {
    unknown=
    for p in "$@"; do
        case $p in
        *.*|*+) [ "$(apt-cache pkgnames "$p" 2>/dev/null | grep -cxF -e "$p")" -gt 0 ] || { unknown=$p; return 1; } ;;
        esac
    done
}
# `pinned P` prints P, or P=VERSION if $pins has a version for it.
pinned() {
    for pin in $pins; do
        case $pin in "$1="*) echo "$pin"; return ;; esac
    done
    echo "$1"
}
install() {
    if exact "$@"; then
        for p in "$@"; do
            set -- "$@" "$(pinned "$p")"
            shift
        done
        apt install ${pins:+--allow-downgrades} "$@"
    else
        log="E: Unable to locate package $unknown"
        return 1
    fi
}
