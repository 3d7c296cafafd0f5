#!/bin/sh
# Variables: zone, id. The note says what a removal restores: a target, "none", or "" for a file.
was=$(readlink /etc/localtime) || { was=; [ -e /etc/localtime ] || was=none; }
[ -e "$memory" ] || hadeploy_note "was $was"
localtime "/usr/share/zoneinfo/$zone"
[ ! -f /etc/timezone ] || printf '%s\n' "$zone" | hadeploy_put /etc timezone "$id" root:root 0644 ''
