#!/bin/sh
# Variables: remove (words: bricks to remove), leaving (their number), keep (lines: bricks that stay),
# replica, count (bricks now), patience. Every write is on a majority of the bricks. If only a minority is
# removed, it is enough that the remaining bricks are healed; otherwise all must be healed first.
need_glusterd
running=$(running_bricks)
while read -r name; do
    case $running in *"
$name
"*) ;; *)
        echo "the brick $name does not run: without the bricks that are removed, the volume could lose files that only $name has; start it first" >&2
        exit 1;;
    esac
done <<END
$keep
END
if online; then
    wait_healed
elif [ "$leaving" -gt $(((count - 1) / 2)) ]; then
    echo "a brick to remove does not run, and too few bricks remain to guarantee that they have every file: $leaving of $count are removed; start the brick, or remove fewer at a time" >&2
    exit 1
fi
eval "change_bricks $((count - leaving)) remove-brick \"\$volume\" replica $replica $remove force"
