#!/bin/sh
# The package lists are fetched only if apt does not know a package, or only knows a version that
# the mirror no longer has. The notes hold the names that were missing; for a virtual package also
# "NAME PACKAGE", with the package that apt chose. Variables: pins ("NAME=VERSION ...").
have="
$(dpkg-query -W -f '${db:Status-Status} ${Package} \n' -- "$@" 2>/dev/null || :)"
unnamed= missing=
for p in "$@"; do
    case $have in *"
installed $p "*) ;; *) unnamed="$unnamed $p" ;; esac
done
for p in $unnamed; do
    [ -n "$(providers "$p")" ] || missing="$missing $p"
done
other= # those with a different version
for pin in $pins; do
    case " $missing " in *" ${pin%%=*} "*) continue ;; esac
    [ "$(dpkg-query -W -f '${Version}' -- "${pin%%=*}")" = "${pin#*=}" ] || other="$other ${pin%%=*}"
done
# shellcheck disable=SC2086 # words
if [ -n "$missing$other" ]; then
    for p in $missing; do hadeploy_note "$p"; done
    if ! install $missing $other; then
        case $log in
        *'Unable to locate package'*|*'no installation candidate'*|*'Failed to fetch'*|*'404 '*|*"' was not found"*)
            apt update && install $missing $other || { printf '%s\n' "$log" >&2; exit 100; } ;;
        *) printf '%s\n' "$log" >&2; exit 100 ;;
        esac
    fi
fi
for p in $unnamed; do
    if grep -qsxF -e "$p" "$memory" && ! by_name "$p"; then
        for q in $(providers "$p"); do
            grep -qxF -e "$p $q" "$memory" || hadeploy_note "$p $q"
        done
    fi
done
