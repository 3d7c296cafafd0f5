#!/bin/sh
# Succeeds if all bricks run. Variables: count.
online() {
    gluster volume status "$volume" --xml </dev/null 2>/dev/null | {
        up=0 path=
        while read -r line; do
            case $line in
            '<path>'*) path=${line#*>} path=${path%%<*};;
            '<status>1<'*) [ "$path" != "$brick" ] || up=$((up + 1));;
            esac
        done
        [ $up -ge "$count" ]
    }
}
wait_online() {
    began=$(seconds)
    until online; do
        if late "$began" 120; then
            gluster volume status "$volume" </dev/null | grep '^Brick\|^ *Brick' >&2 || :
            echo "hadeploy: not all $count bricks of the volume run; see /var/log/glusterfs/bricks on the host of a stopped brick" >&2
            exit 1
        fi
        sleep 1
    done
}
# Succeeds if the existing volume is ours: by its option, or while that is not set yet, by the file on
# this host. Variables: info.
is_ours() {
    mark=
    { read -r mark <"$marker"; } 2>/dev/null || :
    case $(show "$info") in
    *"user.hadeploy.identity=$identity"*) mark=$identity;;
    *user.hadeploy.identity=*) mark=other;;
    esac
    [ "$mark" = "$identity" ]
}
need_glusterd() {
    gluster_up || { echo "glusterd does not run on this host; start it (systemctl start glusterd)" >&2; exit 1; }
}
