#!/bin/sh
# Variables: url, ref, discard ("1" or ""). The note "created" says that the work tree is ours.
command -v git >/dev/null || hadeploy_refuse "hadeploy: the program git is not installed; add the package git"
if [ ! -e "$path/.git" ]; then
    if [ -e "$path" ] && { [ ! -d "$path" ] || hadeploy_holds "$path"; }; then
        hadeploy_refuse "hadeploy: $path is not empty, and is not a work tree of git"
    fi
    hadeploy_note created
    [ -d "$path" ] || (hadeploy_directory "$path" "$uid:$gid" 0755) || exit 1
    safe_tree
    in_tree init -q
fi
safe_tree
ssh_ready
in_tree config remote.origin.url "$url"
in_tree config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
in_tree fetch -q --tags --force --prune origin
commit=$(resolved "$ref") || {
    in_tree fetch -q origin "$ref" || :
    commit=$(resolved "$ref") || hadeploy_refuse "hadeploy: the repository has no branch, tag or commit $ref"
}
if [ -n "$discard" ]; then in_tree checkout -q -f --detach "$commit"
else
    work=$(local_work --untracked-files=no)
    [ -z "$work" ] || hadeploy_refuse "hadeploy: $path has ${work#, }, which would be lost; save them, or set \`discard_changes: true\`"
    in_tree checkout -q --detach "$commit"
fi
