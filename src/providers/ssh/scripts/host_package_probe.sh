#!/bin/sh
# $@: the packages.
command -v dpkg-query >/dev/null || exit 127
have=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' -- "$@")
status=$?
printf '%s\n' "$have"
for p in "$@"; do case "
$have" in *"
installed $p "*) ;; *)
    dpkg-query -W -f 'provider ${db:Status-Status} ${Package} ${Version} ${Provides}\n' | grep -F -e "$p"
esac; done
[ $status -le 1 ] || exit $status
