#!/bin/sh
# Parameters: the directory; "mount" if a file system must be mounted there. Prints a line with the
# compression, the archive, and the messages and the result of tar, each after a mark. tar does not
# follow links, even if a user replaces a directory by a link in the meantime.
hadeploy_need "$1"
if [ -n "$2" ] && [ "$(stat -c %d .)" = "$(stat -c %d ..)" ]; then
    hadeploy_refuse "nothing is mounted on $1"
fi
case $(tar --version 2>/dev/null) in *GNU*) ;; *) hadeploy_refuse "the host has no GNU tar" ;; esac
if command -v zstd >/dev/null; then hadeploy_zip=zstd; else hadeploy_zip=gzip; fi
exec 7>&1
hadeploy_mark start "$hadeploy_zip"
# names are printed as ./NAME, one per line; everything else is a message
hadeploy_said=$({
    {
        tar --create --verbose --file=- --format=posix --numeric-owner --acls --xattrs \
            --xattrs-include='*' --sparse --one-file-system --anchored \
            --exclude='./.hadeploy-restore.*' --exclude=./lost+found . 2>&8 &&
            echo 'tar 0' >&8 || echo "tar $?" >&8
    } | "$hadeploy_zip" -q -c >&7 || echo 'tar 2' >&8
} 8>&1 | awk '/^\.\// { n++; next }
    /^tar [0-9]+$/ { if ($2 > status) status = $2; next }
    k++ < 20
    END { printf "entries %d\nstatus %d\n", n - 1, status }')
hadeploy_mark 0 0
printf '%s\n' "$hadeploy_said"
hadeploy_end
