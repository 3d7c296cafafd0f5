#!/bin/sh
# On each of the hosts, until one is in the pool, if there is one; reads the output of
# gluster_pool_ask.sh. Variables: hosts ("NAME ADDRESS" lines, all wanted members).
gluster_up || { echo "glusterd does not run; start it (systemctl start glusterd)" >&2; exit 1; }
line_end='
'
pool=
while read -r line; do pool=$line; done
peers=$line_end$(for peer in /var/lib/glusterd/peers/* /var/lib/glusterd/vols/*/info; do [ ! -e "$peer" ] || show "$peer"; done)$line_end
if [ -n "$pool" ] && [ "$peers" = "$line_end$line_end" ]; then
    echo "the host is not in the pool yet" >&2
    exit 1
fi
own=$line_end$(own_addresses)$line_end
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
# Succeeds if all members are connected and have accepted each other.
together() {
    friends=1
    for peer in /var/lib/glusterd/peers/*; do
        [ -e "$peer" ] || break
        case $line_end$(show "$peer") in *"${line_end}state=3"*) friends=$((friends + 1));; esac
    done
    [ $friends -ge "$count" ] && [ "$(gluster pool list </dev/null | grep -c 'Connected *$')" -ge "$count" ]
}
began=$(seconds) restarted=
until together; do
    if late "$began" 60; then
        gluster peer status </dev/null >&2
        echo "hadeploy: not all of the $count members are connected; does glusterd run on them?" >&2
        exit 1
    fi
    # glusterd does not retry a member that has rejected it once
    if [ -z "$restarted" ] && late "$began" 10; then
        restarted=1
        systemctl restart glusterd
    fi
    sleep 1
done
