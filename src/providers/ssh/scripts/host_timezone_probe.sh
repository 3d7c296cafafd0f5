#!/bin/sh
# Prints the link's target, or what /etc/localtime is if it is not a link.
if [ -L /etc/localtime ]; then
    printf 'link %s\n' "$(readlink /etc/localtime)"
    [ -f /etc/localtime ] || echo dangling
elif [ -e /etc/localtime ]; then echo copy
fi
if [ -f /etc/timezone ]; then printf 'timezone %s\n' "$(cat /etc/timezone)"; fi
