#!/bin/sh
# Variables: path (of the work tree), owner, key and known_hosts (texts, or "").
#
# The configuration of a repository can name programs that git runs. So git runs as the owner of the work
# tree, and as root only if no other user owns a directory above the work tree.
uid=$(id -u -- "$owner" 2>/dev/null) || hadeploy_refuse "hadeploy: the host has no user $owner"
gid=$(id -g -- "$owner")
HOME=$(getent passwd "$owner" | cut -d : -f 6)
export HOME GIT_TERMINAL_PROMPT=0
as_owner() {
    if [ "$uid" = 0 ]; then "$@"; else setpriv --reuid="$uid" --regid="$gid" --init-groups -- "$@"; fi
}
in_tree() { as_owner git -C "$path" -c core.hooksPath=/dev/null "$@"; }
safe_tree() {
    [ "$uid" != 0 ] || (cd -P / && hadeploy_enter "$path" && hadeploy_roots .) ||
        hadeploy_refuse "hadeploy: $path is in a directory of a user; set \`owner\` to that user"
}
# The key is in a directory that only the owner may enter, until the script ends.
hidden=
ssh_ready() {
    GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=15'
    export GIT_SSH_COMMAND
    [ -n "$key$known_hosts" ] || return 0
    hidden=$(mktemp -d /run/hadeploy-git.XXXXXX) || exit 1
    trap 'rm -rf -- "$hidden"' EXIT
    trap 'exit 1' TERM INT HUP
    umask 077
    if [ -n "$key" ]; then
        printf '%s\n' "$key" >"$hidden/key"
        GIT_SSH_COMMAND="$GIT_SSH_COMMAND -i $hidden/key -o IdentitiesOnly=yes"
    fi
    if [ -n "$known_hosts" ]; then
        printf '%s\n' "$known_hosts" >"$hidden/known_hosts"
        GIT_SSH_COMMAND="$GIT_SSH_COMMAND -o UserKnownHostsFile=$hidden/known_hosts"
    fi
    umask 022
    chown -R -- "$uid:$gid" "$hidden"
}
# `resolved REF`: the commit of a branch of origin, a tag or a commit in the repository.
resolved() {
    in_tree rev-parse -q --verify "refs/remotes/origin/$1^{commit}" ||
        in_tree rev-parse -q --verify "refs/tags/$1^{commit}" ||
        case $1 in
        *[!0-9a-f]*|?|??|???|????|?????|??????) return 1 ;;
        *) in_tree rev-parse -q --verify "$1^{commit}" ;;
        esac
}
# The work that would be lost, for messages: "changes of a.txt, b.txt". $1: options of git status.
local_work() {
    in_tree rev-parse -q --verify HEAD >/dev/null || return 0
    in_tree status --porcelain --no-renames "$1" | head -n 5 | while IFS= read -r line; do
        printf ', changes of %s' "${line#???}"
    done
    [ -z "$(in_tree rev-list -n 1 HEAD --not --remotes --tags)" ] ||
        printf ', commits that no branch of origin has'
}
