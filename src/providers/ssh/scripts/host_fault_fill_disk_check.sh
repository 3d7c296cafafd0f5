#!/bin/sh
# Variables: path, size (bytes; empty: everything but the margin), margin. Sets $size, and $least:
# the least that the fault may take. Also counts the blocks that are reserved for root.
[ -d "$path" ] || { echo "hadeploy: there is no directory $path" >&2; exit 1; }
command -v fallocate >/dev/null || { echo "hadeploy: the program \`fallocate\` is missing; it is in the package util-linux" >&2; exit 1; }
block=$(stat -f -c %S -- "$path")
blocks=$(stat -f -c %f -- "$path")
free=$((blocks * block - margin))
least=$size
# A file system may keep some of its free blocks for its own records; ext4 keeps up to 16 MiB.
[ -n "$size" ] || { size=$free; least=$((free - 4 * margin)); }
if [ "$size" -gt "$free" ] || [ "$size" -le 0 ]; then
    [ "$free" -gt 0 ] || free=0
    echo "hadeploy: $path has space for at most $((free / 1048576)) MiB, because $((margin / 1048576)) MiB stay free" >&2
    exit 1
fi
