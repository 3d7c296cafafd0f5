#!/bin/sh
# Variables: name, id. The notes are the previous names; "file" is empty if there was no /etc/hostname.
if [ ! -e "$memory" ]; then
    file=
    if [ -f /etc/hostname ]; then file=$(grep -v '^#' /etc/hostname | head -n 1); fi
    read -r kernel </proc/sys/kernel/hostname
    hadeploy_note "file $file
kernel $kernel"
fi
echo "$name" | hadeploy_put /etc hostname "$id" root:root 0644 ''
echo "$name" >/proc/sys/kernel/hostname
