#!/bin/sh
# Variables: u (the unit).
if [ -r "$memory" ]; then
    while read -r line; do case $line in
        ActiveState=active) ;;
        ActiveState=*) systemctl -q stop -- "$u" || : ;;
        UnitFileState=enabled) systemctl -q enable -- "$u" || : ;;
        UnitFileState=*) systemctl -q disable -- "$u" || : ;;
    esac; done <"$memory"
fi
