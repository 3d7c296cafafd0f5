#!/bin/sh
# Prints the running bricks as HOST:PATH, each between newlines.
running_bricks() {
    echo
    gluster volume status "$volume" --xml </dev/null 2>/dev/null | {
        host= path=
        while read -r line; do
            case $line in
            '<hostname>'*) host=${line#*>} host=${host%%<*};;
            '<path>'*) path=${line#*>} path=${path%%<*};;
            '<status>1<'*) [ "$path" != "$brick" ] || printf '%s:%s\n' "$host" "$path";;
            esac
        done
    }
    echo .
}
# Succeeds if all bricks run. Variables: count.
online() {
    [ "$(running_bricks | grep -c :)" -ge "$count" ]
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
# Succeeds if all bricks respond and have nothing to heal. Variables: count.
healed() {
    gluster volume heal "$volume" statistics heal-count </dev/null 2>/dev/null | {
        answered=0 entries=0
        while read -r line; do
            case $line in 'Number of entries: '[0-9]*)
                answered=$((answered + 1)) entries=$((entries + ${line##*: }));;
            esac
        done
        [ $answered -ge "$count" ] && [ $entries = 0 ]
    }
}
# Starts a crawl through all files. The entries that the other bricks have noted are not enough for an
# empty brick.
heal_all() {
    began=$(seconds)
    until gluster volume heal "$volume" full </dev/null >/dev/null 2>&1; do # its daemon starts with the bricks
        late "$began" 60 || { sleep 1; continue; }
        gl volume heal "$volume" full >/dev/null
        break
    done
}
# A crawl finds the files of a directory only after the directory itself, so this looks twice. The
# daemons start by themselves only every ten minutes, and after a change they miss the first
# request.
wait_healed() {
    began=$(seconds)
    until healed && sleep 2 && healed; do
        gluster volume heal "$volume" </dev/null >/dev/null 2>&1 || :
        if late "$began" "$patience"; then
            gluster volume heal "$volume" statistics heal-count </dev/null >&2 || :
            echo "hadeploy: the bricks have not healed within $patience seconds; apply again to wait longer, or raise heal_timeout" >&2
            exit 1
        fi
        sleep 1
    done
}
# Succeeds if every member of the pool lists $1 bricks of the volume.
listed_everywhere() {
    members=$(gluster pool list </dev/null 2>/dev/null) || return 1
    printf '%s\n' "$members" | {
        read -r _
        while read -r _ member _; do
            [ "$(timeout 5 gluster --remote-host="$member" volume info "$volume" </dev/null 2>/dev/null | grep -c '^Brick[0-9]*:')" = "$1" ] || exit 1
        done
    }
}
# Adds or removes bricks: $1 is their number afterwards, the rest the words of the command. It also
# fails if all members have made the change but one of them could not restart its self-heal daemon
# in time. The daemon then starts later.
change_bricks() {
    bricks_after=$1
    shift
    if gl_out=$(gl volume "$@" 2>&1); then return; fi
    listed_everywhere "$bricks_after" || { printf '%s\n' "$gl_out" >&2; exit 1; }
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
