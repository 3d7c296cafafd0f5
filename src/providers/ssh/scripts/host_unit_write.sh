#!/bin/sh
# Variables: u (the unit), drop_in (its name, or ""), directory and n (of the file), id. Reads the file
# from standard input. The notes are the state of the unit before hadeploy, and "pending" until systemd
# uses the file; beside them is the file that was replaced.
checked=$(mktemp -d)
trap 'rm -rf -- "$checked"' EXIT
new=$checked/$u
if [ -n "$drop_in" ]; then mkdir "$checked/$u.d"; new=$checked/$u.d/$n; fi
cat >"$new"
# systemd before 250 does not have the first option, and reports ignored settings without an error.
verify() {
    SYSTEMD_UNIT_PATH=$checked: systemd-analyze verify --recursive-errors=no --man=no "$u" 2>&1 && return 0
    case $(systemd-analyze --version) in 'systemd 2'[5-9]*|'systemd '[3-9]*) return 1 ;; esac
    SYSTEMD_UNIT_PATH=$checked: systemd-analyze verify --man=no "$u" 2>&1
}
known=$(systemctl show -p LoadState -- "$u")
if command -v systemd-analyze >/dev/null && { [ -z "$drop_in" ] || [ "$known" != LoadState=not-found ]; }; then
    said=$(verify) || {
        said=$(printf '%s\n' "$said" | sed "s|$checked/||g" | grep .) || :
        printf '%s\n' "$said" >&2
        hadeploy_refuse "hadeploy: systemd does not accept the file: ${said%%
*}"
    }
fi
file=${directory%/}/$n
if [ ! -e "$memory" ]; then
    if [ -f "$file" ]; then (umask 077; cp -- "$file" "$memory.was"); fi
    was=$(systemctl show -p ActiveState,UnitFileState -- "$u")
    hadeploy_note "$was"
fi
hadeploy_note pending
(hadeploy_enter "$directory" make) || exit 1
(hadeploy_put "$directory" "$n" "$id" root:root 0644 '') <"$new"
systemctl daemon-reload
