#!/bin/sh
# Variables: id.
if [ -r "$memory" ]; then
    file= kernel=
    while read -r key value; do case $key in
        file) file=$value ;;
        kernel) kernel=$value ;;
    esac; done <"$memory"
    if [ -n "$file" ]; then echo "$file" | hadeploy_put /etc hostname "$id" root:root 0644 ''
    else (hadeploy_remove /etc hostname "$id"); fi
    [ -z "$kernel" ] || echo "$kernel" >/proc/sys/kernel/hostname
fi
