#!/bin/sh
# Variables: unit, path, in_mounts (the path as in /proc/mounts), directories (words: paths below it).
# Uses builtins except for the stat of the directories, which has a time limit: access to a volume
# without quorum blocks.
[ ! -e "$units$unit" ] || { echo "== unit"; show "$units$unit"; }
[ ! -L "${units}multi-user.target.wants/$unit" ] || echo "== enabled"
mounted=
while read -r source place type rest; do
    [ "$place" = "$in_mounts" ] || continue
    echo "== mount"
    echo "$source $type"
    [ "$type" != fuse.glusterfs ] || mounted=1
done </proc/mounts
for list in /sys/fs/cgroup/system.slice/"$unit"/cgroup.procs /sys/fs/cgroup/systemd/system.slice/"$unit"/cgroup.procs; do
    { read -r pid <"$list"; } 2>/dev/null && echo "== process" && break
done
if [ -n "$mounted" ] && [ -n "$directories" ]; then
    echo "== directories"
    eval "timeout 10 stat -c '%a %u:%U %g:%G %n' $directories" 2>&1 # says which do not exist
fi
exit 0
