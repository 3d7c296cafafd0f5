#!/bin/sh
# On each of the hosts, until one has peers or volumes. Variables: hosts ("NAME ADDRESS" lines).
# Prints `version N` and, for each member of its pool and itself, `member UUID NAME...`.
gluster_up || { echo "glusterd does not run" >&2; exit 1; }
known=
for file in /var/lib/glusterd/peers/* /var/lib/glusterd/vols/*/info; do [ ! -e "$file" ] || known=1; done
[ -n "$known" ] || { echo "the host is not in a pool" >&2; exit 1; }
line_end='
'
own=$line_end$(own_addresses)$line_end uuid=
while IFS='=' read -r key value; do
    case $key in UUID) uuid=$value;; operating-version) echo "version $value";; esac
done </var/lib/glusterd/glusterd.info
while read -r name address; do
    case $own in *"$line_end$address$line_end"*) echo "member $uuid $name $address";; esac
done <<END
$hosts
END
for file in /var/lib/glusterd/peers/*; do
    [ -e "$file" ] || break
    uuid= names=
    while IFS='=' read -r key value; do
        case $key in uuid) uuid=$value;; hostname*) names="$names $value";; esac
    done <"$file"
    echo "member $uuid$names"
done
