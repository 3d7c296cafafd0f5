#!/bin/sh
# Variables: unit, path.
if [ -e "$units$unit" ]; then
    systemctl -q disable "$unit"
    systemctl stop "$unit"
    rm -f "$units$unit"
    systemctl daemon-reload
    systemctl reset-failed "$unit" 2>/dev/null || :
fi
umount -l "$path" 2>/dev/null || :
[ ! -d "$path" ] || {
    chattr -i "$path" 2>/dev/null || :
    rmdir "$path" 2>/dev/null || :
}
