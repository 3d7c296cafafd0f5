#!/bin/sh
# Prints the running bricks as HOST:PATH, each between line ends.
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
# Succeeds if all bricks answer and have nothing to heal. Variables: count.
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
# A crawl finds the files of a directory only after the directory itself: looks twice. The daemons start
# by themselves only every ten minutes, and after a change they miss the first request.
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
# Puts empty bricks back into the volume if another brick of their set has a copy. Variables: lost (lines
# between line ends), bricks (lines: all, in the order of the sets), replica, info.
reset_lost() {
    place=0 gone=0
    while read -r name; do
        [ $((place % replica)) != 0 ] || gone=0
        place=$((place + 1))
        case $lost in *"
$name
"*) gone=$((gone + 1));; esac
        [ $gone -lt "$replica" ] || {
            echo "no brick with a copy of the files is left: $name was the last one; delete the volume to start with an empty one" >&2
            exit 1
        }
    done <<END
$bricks
END
    case $(show "$info") in *"
status=1
"*) ;; *) gl volume start "$volume" force >/dev/null;; esac
    while read -r name; do
        case $lost in *"
$name
"*) ;; *) continue;; esac
        # its peers need a while to connect to a host that has just come back
        began=$(seconds)
        until
            # fails if a killed run did it before
            gl volume reset-brick "$volume" "$name" start >/dev/null 2>&1 || :
            gl volume reset-brick "$volume" "$name" "$name" commit force >/dev/null 2>&1
        do
            late "$began" 60 || { sleep 2; continue; }
            printf '%s\n' "$gl_out" >&2
            exit 1
        done
    }
}
# Adds or removes bricks: $1 is their number afterwards, the rest the words of the command. It also fails if all members
# have made the change but one of them could not restart its self-heal daemon in time; it starts later.
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
