#!/bin/sh
# Parameters: the directory; "mount" if a file system must be mounted there; "overwrite" if it need not
# be empty; where the archive begins on standard input (1: at its first byte), and its size; the
# program that unpacks it.
#
# The files are unpacked in a directory of root in the same file system, which no user can enter. So
# no link of a user is followed, and a broken connection or a full disk changes nothing. Then the
# new entries replace the old ones. Directories named `old` hold the previous contents until the
# end.
hadeploy_need "$1"
if [ -n "$2" ] && [ "$(stat -c %d .)" = "$(stat -c %d ..)" ]; then
    hadeploy_refuse "nothing is mounted on $1"
fi
case $(tar --version 2>/dev/null) in *GNU*) ;; *) hadeploy_refuse "the host has no GNU tar" ;; esac
command -v "$6" >/dev/null || hadeploy_refuse "the host has no $6, which unpacks this backup"
for hadeploy_name in ./.hadeploy-restore.*; do
    [ -e "$hadeploy_name" ] || [ -L "$hadeploy_name" ] || continue
    if [ -e "$hadeploy_name/old" ]; then
        hadeploy_refuse "an interrupted restore left the previous contents in $1/${hadeploy_name#./}/old; move or remove them"
    fi
    rm -rf --one-file-system -- "$hadeploy_name"
done
for hadeploy_name in ./* ./.[!.]* ./..?*; do
    [ -e "$hadeploy_name" ] || [ -L "$hadeploy_name" ] || continue
    [ "$hadeploy_name" = ./lost+found ] || [ -n "$3" ] || hadeploy_refuse "$1 is not empty"
done
hadeploy_enter_new .hadeploy-restore
hadeploy_own=${hadeploy_own#./}
trap 'cd .. && rm -rf --one-file-system -- "./$hadeploy_own"' EXIT
mkdir -m 0700 new
hadeploy_failed=$({
    { tail -c "+$4" | head -c "$5" | "$6" -d -q -c || echo "$6" >&8; } |
        tar --extract --file=- --directory=new --numeric-owner --same-owner --same-permissions \
            --acls --xattrs --xattrs-include='*' --delay-directory-restore >&2 || echo tar >&8
} 8>&1)
[ -z "$hadeploy_failed" ] || hadeploy_refuse "hadeploy: the archive cannot be unpacked in $1"
# Moves the entries of $1 to $2, without our own directory.
hadeploy_move() {
    for hadeploy_name in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        [ -e "$hadeploy_name" ] || [ -L "$hadeploy_name" ] || continue
        case ${hadeploy_name##*/} in "$hadeploy_own"|lost+found) continue ;; esac
        mv -T -- "$hadeploy_name" "$2/${hadeploy_name##*/}" || return 1
    done
}
trap - EXIT
mkdir -m 0700 old
if ! hadeploy_move .. old || ! hadeploy_move new ..; then
    mkdir -m 0700 failed
    hadeploy_move .. failed && hadeploy_move old .. && cd .. && rm -rf --one-file-system -- "./$hadeploy_own" ||
        hadeploy_refuse "hadeploy: the previous contents are in $1/$hadeploy_own/old"
    hadeploy_refuse "hadeploy: the entries of $1 cannot be replaced; the previous ones are there again"
fi
# owner, mode and attributes of the directory itself
tar --create --file=- --format=posix --numeric-owner --acls --xattrs --xattrs-include='*' \
    --no-recursion --directory=new . |
    tar --extract --file=- --directory=.. --numeric-owner --same-owner --same-permissions \
        --acls --xattrs --xattrs-include='*' || :
sync -f .. || :
cd ..
rm -rf --one-file-system -- "./$hadeploy_own"
