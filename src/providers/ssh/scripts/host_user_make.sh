#!/bin/sh
# Variables: u, shell, home (each "" if the spec does not set it), system ("1" or "").
# useradd and usermod resolve the path of a home several times, and give what they find to the user.
safe_home() {
    parent=${home%/*}
    (hadeploy_enter "${parent:-/}" make && hadeploy_roots . && { ! hadeploy_shared || [ -k . ]; }) || hadeploy_refuse \
        "hadeploy: $home is in a directory of a user, who could replace it while it is created; choose a home directory below directories of root"
}
if ! getent passwd "$u" >/dev/null; then
    [ -z "$home" ] || safe_home
    hadeploy_note created
    useradd -m -s "${shell:-/bin/bash}" ${home:+-d "$home"} ${system:+-r} -- "$u" || {
        # a user of this name that somebody else adds later is not ours
        getent passwd "$u" >/dev/null || rm -f -- "$memory"
        exit 1
    }
fi
if [ -n "$shell" ]; then
    line=$(getent passwd "$u"); old=${line##*:}
    if [ "$old" != "$shell" ]; then hadeploy_note "shell $old"; usermod -s "$shell" "$u"; fi
fi
if [ -n "$home" ]; then
    line=$(getent passwd "$u"); old=${line%:*}; old=${old##*:}
    if [ "$old" = "$home" ]; then :
    # Nothing to move, or already moved: only change the entry. A directory that is not the user's,
    # such as /usr/sbin of daemon, stays where it is.
    elif [ -d "$home" ] || [ "$(stat -L -c %u -- "$old" 2>/dev/null)" != "$(id -u -- "$u")" ]; then usermod -d "$home" "$u"
    else
        safe_home
        usermod -m -d "$home" "$u"
    fi
fi
