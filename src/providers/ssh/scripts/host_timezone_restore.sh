#!/bin/sh
# Variables: id.
was=$(sed -n 's/^was //p' "$memory" 2>/dev/null) || was=
case $was in
'') ;;
none) rm -f /etc/localtime; zone=Etc/UTC ;;
*) localtime "$was"; zone=${was#*zoneinfo/} ;;
esac
if [ -n "$was" ]; then
    [ ! -f /etc/timezone ] || printf '%s\n' "$zone" | hadeploy_put /etc timezone "$id" root:root 0644 ''
fi
