#!/bin/sh
# Variables: hosts ("NAME ADDRESS" lines, the members to remove). A dead member can only be removed
# by force; gluster always refuses while the member holds a brick.
gluster_up || { echo "glusterd does not run on this host; start it (systemctl start glusterd)" >&2; exit 1; }
line_end='
'
own=$line_end$(own_addresses)$line_end
names=
while read -r name address; do
    case $own in *"$line_end$address$line_end"*) continue;; esac
    names="$names $name"
    gl peer detach "$name" >/dev/null 2>&1 && continue
    case $gl_out in
    *"not part of cluster"*|*"not in cluster"*) continue;;
    *"down"*|*"not connected"*|*"isconnected"*) gl peer detach "$name" force >/dev/null 2>&1 && continue;;
    esac
    echo "removing $name from the pool: $gl_out" >&2
    exit 1
done <<END
$hosts
END
# glusterd answers before it has forgotten the member.
left() {
    gluster pool list </dev/null | while read -r uuid host state; do
        case "$names " in *" $host "*) echo "$uuid $state";; esac
    done
}
began=$(seconds)
while [ -n "$(left)" ] && ! late "$began" 30; do sleep 1; done
