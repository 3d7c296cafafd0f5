#pragma once

#include <string_view>

/// The scripts of gluster.volume, each to stand behind gluster::functions() and the assignment of
/// the variables that it names. In all of them: volume, brick (path), identity, and marker, the
/// file on every host with a brick that tells whose it is: written before the volume is made, so
/// that a half-made one can be told from somebody else's. Its second line is the topmost directory
/// that was made on the way to the brick.
namespace hadeploy::ssh::gluster {

/// The configuration is read from glusterd's file, which every member has; a file holds the
/// volume's password too, which is left out. Whether the bricks run on other hosts only a question
/// to the cluster tells; for two minutes it waits for a member that has just gone, so that a longer
/// silence is taken for "not known". Variables: group ("" for none).
inline constexpr std::string_view kVolumeProbe =
    R"sh(command -v glusterd >/dev/null || { echo "== missing"; exit 0; }
info=/var/lib/glusterd/vols/$volume/info status=
if [ -e "$info" ]; then
    echo "== info"
    while IFS= read -r line; do
        case $line in username=*|password=*) continue;; status=*) status=${line#*=};; esac
        printf '%s\n' "$line"
    done <"$info"
fi
[ ! -e "$marker" ] || { echo "== marker"; show "$marker"; }
[ -z "$group" ] || [ ! -e "/var/lib/glusterd/groups/$group" ] || { echo "== group"; show "/var/lib/glusterd/groups/$group"; }
if [ "$status" = 1 ] && gluster_up; then
    echo "== status"
    timeout 15 gluster volume status "$volume" --xml </dev/null
fi
exit 0
)sh";

/// Counts the bricks that run; succeeds when that is all of them. Variables: count.
inline constexpr std::string_view kOnline = R"sh(online() {
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
            echo "hadeploy: not all $count bricks of the volume run; see /var/log/glusterfs/bricks on the host of the one that does not" >&2
            exit 1
        fi
        sleep 1
    done
}
need_glusterd() {
    gluster_up || { echo "glusterd does not run on this host; start it (systemctl start glusterd)" >&2; exit 1; }
}
)sh";

/// On each host with a brick, before the volume is made. (gluster itself would take over the brick
/// of another volume without a word, being told to `force`.)
inline constexpr std::string_view kPrepareBrick = R"sh(mark=
{ read -r mark <"$marker"; } 2>/dev/null || :
if [ "$mark" != "$identity" ]; then
    if [ -e "$brick/.glusterfs" ]; then
        read -r name </proc/sys/kernel/hostname
        echo "$name:$brick is the brick of a volume that hadeploy did not make; move it away, or choose another path" >&2
        exit 1
    fi
    parent=${brick%/*} made=
    while [ -n "$parent" ] && [ ! -d "$parent" ]; do
        made=$parent
        parent=${parent%/*}
    done
    rm -f "$marker"
    hadeploy_notes "$marker"
    hadeploy_note "$identity
$made"
fi
hadeploy_enter "${brick%/*}" make || hadeploy_refuse "${brick%/*} is not a directory"
)sh";

/// Variables: create (arguments after the volume's name), group, settings (words), count, started.
inline constexpr std::string_view kMakeVolume = R"sh(need_glusterd
info=/var/lib/glusterd/vols/$volume/info
if [ -e "$info" ]; then
    mark=
    { read -r mark <"$marker"; } 2>/dev/null || :
    case $(show "$info") in
    *"user.hadeploy.identity=$identity"*) mark=$identity;;
    *user.hadeploy.identity=*) mark=other;;
    esac
    if [ "$mark" != "$identity" ]; then
        echo "there is a volume \"$volume\" that hadeploy did not make; choose another name" >&2
        exit 1
    fi
else
    eval "gl volume create \"\$volume\" $create force" >/dev/null
fi
[ -z "$group" ] || gl volume set "$volume" group "$group" >/dev/null
eval "gl volume set \"\$volume\" user.hadeploy.identity \"\$identity\" $settings" >/dev/null
[ -n "$started" ] || exit 0
gl volume start "$volume" force >/dev/null
wait_online
)sh";

/// Variables: unset (words), settings (words), group, start ("start", "stop" or ""), add (words:
/// bricks), count, stop ("1" where bricks that run would keep what is changed).
inline constexpr std::string_view kUpdateVolume = R"sh(need_glusterd
[ -z "$stop" ] || case $(show "/var/lib/glusterd/vols/$volume/info") in *"
status=1
"*) gl volume stop "$volume" force >/dev/null;; esac
[ -z "$add" ] || {
    eval "gl volume add-brick \"\$volume\" $add force" >/dev/null
    gl volume rebalance "$volume" start >/dev/null
}
for option in $unset; do gl volume reset "$volume" "$option" >/dev/null; done
[ -z "$group" ] || gl volume set "$volume" group "$group" >/dev/null
[ -z "$settings" ] || eval "gl volume set \"\$volume\" $settings" >/dev/null
case $start in
start)
    gl volume start "$volume" force >/dev/null
    wait_online;;
stop) [ -n "$stop" ] || gl volume stop "$volume" >/dev/null;;
esac
)sh";

/// A removal goes in three steps, each of which may run again: the volume is marked and stopped,
/// the bricks are taken away, the volume is deleted. Its name goes last, so that what a killed run
/// has left of the bricks is still found by it.
inline constexpr std::string_view kStopVolume = R"sh(need_glusterd
info=/var/lib/glusterd/vols/$volume/info
[ -e "$info" ] || exit 0
mark=
{ read -r mark <"$marker"; } 2>/dev/null || :
case $(show "$info") in
*"user.hadeploy.identity=$identity"*) mark=$identity;;
*user.hadeploy.identity=*) mark=other;;
esac
if [ "$mark" != "$identity" ]; then
    echo "the volume \"$volume\" is not ours any more: it was made anew by somebody else" >&2
    exit 1
fi
gl volume set "$volume" user.hadeploy.identity "$identity" user.hadeploy.removing yes >/dev/null
case $(show "$info") in *"
status=1
"*) gl volume stop "$volume" force >/dev/null;; esac
)sh";

/// On each host with a brick, when the volume is stopped. Should somebody have made another volume
/// of that name meanwhile, it carries another mark, and so does its brick.
inline constexpr std::string_view kRemoveBrick = R"sh(mark= made=
{ { read -r mark && read -r made; } <"$marker"; } 2>/dev/null || :
[ "$mark" = "$identity" ] || exit 0
case $(show "/var/lib/glusterd/vols/$volume/info" 2>/dev/null) in *"
status=1
"*)
    echo "the volume \"$volume\" still runs here; is glusterd up (systemctl start glusterd)?" >&2
    exit 1;;
esac
hadeploy_remove_directory "${brick%/*}" "${brick##*/}" tree
parent=${brick%/*}
while [ -n "$made" ]; do
    case $parent/ in "$made"/*) ;; *) break;; esac
    rmdir "$parent" 2>/dev/null || break
    parent=${parent%/*}
done
rm -f "$marker"
rmdir "${marker%/*}" 2>/dev/null || :
)sh";

inline constexpr std::string_view kDeleteVolume = R"sh(need_glusterd
case $(show "/var/lib/glusterd/vols/$volume/info" 2>/dev/null) in
*"user.hadeploy.identity=$identity"*) gl volume delete "$volume" >/dev/null;;
esac
)sh";

} // namespace hadeploy::ssh::gluster
