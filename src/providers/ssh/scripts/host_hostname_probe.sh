#!/bin/sh
# Prints the name in /etc/hostname (its first line that is not a comment) and the name in the kernel.
if [ -f /etc/hostname ]; then
    while read -r line || [ -n "$line" ]; do
        case $line in ''|'#'*) continue ;; esac
        echo "static $line"
        break
    done </etc/hostname
fi
read -r line </proc/sys/kernel/hostname && echo "kernel $line"
