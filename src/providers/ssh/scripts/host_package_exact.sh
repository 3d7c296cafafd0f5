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
install() {
    if exact "$@"; then apt install "$@"; else
        log="E: Unable to locate package $unknown"
        return 1
    fi
}
