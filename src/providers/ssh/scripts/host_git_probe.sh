#!/bin/sh
# Variables: url, ref, follow ("1" or ""). Prints "occupied" if the path holds anything but a work tree.
# Otherwise prints the origin and HEAD, the local commit of the ref, changed files, and the present commit
# of the ref at the origin.
if [ ! -e "$path/.git" ]; then
    if [ -e "$path" ] && { [ ! -d "$path" ] || hadeploy_holds "$path"; }; then echo occupied; fi
    exit 0
fi
safe_tree
export GIT_OPTIONAL_LOCKS=0
head=$(in_tree rev-parse -q --verify HEAD) || [ $? = 1 ] || exit 1
echo "tree $head"
printf 'origin %s\n' "$(in_tree config --get remote.origin.url)"
printf 'local %s\n' "$(resolved "$ref")"
changes=$(in_tree status --porcelain --no-renames --untracked-files=no) || exit 1
[ -z "$changes" ] || printf '%s\n' "$changes" | head -n 20 | sed 's/^/change /'
[ -n "$follow" ] || exit 0
ssh_ready
listed=$(as_owner timeout 30 git ls-remote -q -- "$url" "refs/heads/$ref" "refs/tags/$ref" "refs/tags/$ref^{}") ||
    hadeploy_refuse "hadeploy: its origin does not answer"
printf '%s\n' "$listed" | sed -n 's/^\([0-9a-f]*\).refs/remote \1 refs/p'
