#pragma once

#include <string_view>

/// The scripts of gluster.volume. Each follows gluster::functions() and the assignment of its
/// variables. All use: volume, brick (path), identity, and marker, a file on every host with a
/// brick that identifies the owner. It is written before the volume is created, so that an
/// incomplete volume of ours is not mistaken for a foreign one. Its second line is the topmost
/// directory that was created for the brick.
namespace hadeploy::ssh::gluster {

/// The configuration is read from the file that glusterd keeps on every member, without the volume
/// password in it. Only a query to the cluster shows whether bricks on other hosts run. It waits up
/// to two minutes for a member that has just gone down, so a longer wait counts as "not known".
/// Variables: group ("" for none).
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

/// Succeeds if all bricks run. Variables: count.
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
            echo "hadeploy: not all $count bricks of the volume run; see /var/log/glusterfs/bricks on the host of a stopped brick" >&2
            exit 1
        fi
        sleep 1
    done
}
need_glusterd() {
    gluster_up || { echo "glusterd does not run on this host; start it (systemctl start glusterd)" >&2; exit 1; }
}
)sh";

/// On each host with a brick, before the volume is created. (With `force`, gluster itself would
/// silently take over the brick of another volume.)
inline constexpr std::string_view kPrepareBrick = R"sh(mark=
{ read -r mark <"$marker"; } 2>/dev/null || :
if [ "$mark" != "$identity" ]; then
    if [ -e "$brick/.glusterfs" ]; then
        read -r name </proc/sys/kernel/hostname
        echo "$name:$brick is the brick of a volume that hadeploy did not create; move it away, or choose another path" >&2
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

/// Variables: create (arguments after the volume name), group, settings (words), count, started.
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
        echo "there is a volume \"$volume\" that hadeploy did not create; choose another name" >&2
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
/// bricks), count, stop ("1" if running bricks would keep the old settings).
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

/// A removal has three steps, each of which can be repeated: mark and stop the volume, remove the
/// bricks, delete the volume. The volume is deleted last, so that bricks left by a killed run can
/// still be found.
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
    echo "the volume \"$volume\" no longer belongs to hadeploy: somebody else has created it again" >&2
    exit 1
fi
gl volume set "$volume" user.hadeploy.identity "$identity" user.hadeploy.removing yes >/dev/null
case $(show "$info") in *"
status=1
"*) gl volume stop "$volume" force >/dev/null;; esac
)sh";

/// On each host with a brick, after the volume was stopped. If somebody created another volume of
/// that name meanwhile, the volume and its brick have another mark.
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
