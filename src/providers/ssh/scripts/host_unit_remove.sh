#!/bin/sh
# Variables: u (the unit), drop_in (its name, or ""), directory and n (of the file), id, on_change.
# Without notes the file was there before hadeploy, and stays.
remove_unit() {
    active= enabled=
    while read -r line; do case $line in
        ActiveState=active) active=1 ;;
        UnitFileState=enabled) enabled=1 ;;
    esac; done <"$memory"
    if [ -z "$drop_in" ] && [ -e "${directory%/}/$n" ]; then
        [ -n "$active" ] || systemctl -q stop -- "$u" || [ $? = 5 ] # not loaded
        systemctl -q disable -- "$u" || :
    fi
    if [ -e "$memory.was" ]; then
        (hadeploy_put "$directory" "$n" "$id" root:root 0644 '') <"$memory.was"
        rm -f -- "$memory.was"
    else (hadeploy_remove "$directory" "$n" "$id"); fi
    [ -z "$drop_in" ] || rmdir -- "$directory" 2>/dev/null || :
    systemctl daemon-reload
    systemctl reset-failed -- "$u" 2>/dev/null || :
    if [ -n "$drop_in" ]; then
        [ "$on_change" = nothing ] || systemctl try-restart -- "$u" || :
        return 0
    fi
    [ -z "$enabled" ] || systemctl -q enable -- "$u" || :
    [ -z "$active" ] || systemctl restart -- "$u" || :
}
[ ! -e "$memory" ] || remove_unit
