#!/bin/sh
# Variables: hosts ("NAME ADDRESS" lines, all wanted members).
gluster_up || { echo "glusterd does not run on this host; start it (systemctl start glusterd)" >&2; exit 1; }
line_end='
'
own=$line_end$(own_addresses)$line_end
peers=$line_end$(for peer in /var/lib/glusterd/peers/*; do [ ! -e "$peer" ] || show "$peer"; done)$line_end
count=0
while read -r name address; do
    count=$((count + 1))
    case $own in *"$line_end$address$line_end"*) continue;; esac
    case $peers in *"=$name$line_end"*|*"=$address$line_end"*) continue;; esac
    gl peer probe "$name" >/dev/null || {
        echo "adding $name to the pool: $gl_out (does glusterd run there, and does the name resolve on this host?)" >&2
        exit 1
    }
done <<END
$hosts
END
began=$(seconds)
until [ "$(gluster pool list </dev/null | grep -c 'Connected *$')" -ge "$count" ]; do
    if late "$began" 60; then
        gluster pool list </dev/null >&2
        echo "hadeploy: not all of the $count members are connected; does glusterd run on them?" >&2
        exit 1
    fi
    sleep 1
done
