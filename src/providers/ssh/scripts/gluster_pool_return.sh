#!/bin/sh
# On each host, with the output of gluster_pool_ask.sh, which it passes on. A machine that lost its
# disk has a new UUID, and the pool rejects it: it gets back the UUID by which the pool knows it, and
# the list of its peers, who then send it the volumes. Variables: name, address (of the host).
line_end='
'
list= uuid= version=
while read -r word rest; do
    list=$list$word\ $rest$line_end
    case $word in
    version) version=$rest;;
    member) case " $rest " in *" $name "*|*" $address "*) uuid=${rest%% *};; esac;;
    esac
done
printf %s "$list"
own=
while IFS='=' read -r key value; do
    [ "$key" != UUID ] || own=$value
done 2>/dev/null </var/lib/glusterd/glusterd.info || :
if [ -z "$uuid" ] || [ "$uuid" = "$own" ]; then exit 0; fi
refuse() {
    echo "$name $1, but the pool knows it by a different UUID ($uuid); to let it return, move /var/lib/glusterd away on that host" >&2
    exit 1
}
for file in /var/lib/glusterd/vols/*/info; do [ ! -e "$file" ] || refuse "has volumes of its own"; done
for file in /var/lib/glusterd/peers/*; do
    [ -e "$file" ] || break
    case $list in *"member ${file##*/} "*) ;; *) refuse "is in a different pool";; esac
done
systemctl stop glusterd
umask 077
mkdir -p /var/lib/glusterd/peers
while read -r word id names; do
    if [ "$word" != member ] || [ "$id" = "$uuid" ]; then continue; fi
    case $id in ''|*[!0-9a-f-]*) continue;; esac
    count=0
    {
        printf 'uuid=%s\nstate=3\n' "$id"
        for peer in $names; do
            count=$((count + 1))
            printf 'hostname%s=%s\n' $count "$peer"
        done
    } >"/var/lib/glusterd/peers/$id"
done <<END
$list
END
# written last: from now on the host is a member again
printf 'UUID=%s\noperating-version=%s\n' "$uuid" "$version" >/var/lib/glusterd/.hadeploy.info
mv /var/lib/glusterd/.hadeploy.info /var/lib/glusterd/glusterd.info
systemctl start glusterd
