#!/bin/sh
# `fstab_numbers`: the numbers of the lines of $text for $path. Further: `reload`, and `unmount`, which
# names the processes that use the file system.
fstab_numbers() {
    numbers=$(path=$path awk '$1 !~ /^#/ && NF > 1 {
        place = $2
        if (place != "/") sub("/$", "", place)
        if (place == ENVIRON["path"]) print NR
    }' "$text")
}
reload() { [ ! -d /run/systemd/system ] || systemctl daemon-reload; }
users_of() {
    glob=$(printf '%s\n' "$place" | sed 's/[][\\*?]/\\&/g')
    find /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe /proc/[0-9]*/fd -maxdepth 1 \
        \( -lname "$glob" -o -lname "$glob/*" \) 2>/dev/null | cut -d / -f 3 | sort -nu | head -n 10 |
        while read -r pid; do
            comm=
            { read -r comm <"/proc/$pid/comm"; } 2>/dev/null || continue
            printf ', %s (%s)' "$comm" "$pid"
        done
    while read -r hadeploy_source hadeploy_place hadeploy_rest; do
        case $hadeploy_place in "$path"/*) printf ', the mount on %s' "$hadeploy_place" ;; esac
    done </proc/mounts
}
unmount() {
    cd / && said=$(umount -- "$place" 2>&1) && return 0
    case $said in
    *busy*)
        users=$(users_of)
        hadeploy_refuse "hadeploy: $place is in use${users:+ by ${users#, }}" ;;
    esac
    printf '%s\n' "$said" >&2
    exit 1
}
