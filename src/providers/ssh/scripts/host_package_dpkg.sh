#!/bin/sh
# `by_name P` succeeds if the package P itself is installed. `providers P` prints the installed
# packages that provide the virtual package P.
by_name() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' -- "$1" 2>/dev/null || :)" = installed ]
}
providers() {
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides},\n' | while read -r status package provides; do
        [ "$status" = installed ] || continue
        case ", $provides" in *", $1,"*|*", $1 ("*) echo "$package" ;; esac
    done
}
