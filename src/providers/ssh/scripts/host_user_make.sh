#!/bin/sh
# Variables: u, shell, home (each "" if the spec does not set it), system ("1" or "").
if ! getent passwd "$u" >/dev/null; then
    hadeploy_note created
    useradd -m -s "${shell:-/bin/bash}" ${home:+-d "$home"} ${system:+-r} -- "$u"
fi
if [ -n "$shell" ]; then
    line=$(getent passwd "$u"); old=${line##*:}
    if [ "$old" != "$shell" ]; then hadeploy_note "shell $old"; usermod -s "$shell" "$u"; fi
fi
if [ -n "$home" ]; then
    line=$(getent passwd "$u"); old=${line%:*}; old=${old##*:}
    if [ "$old" = "$home" ]; then :
    # nothing to move, or moved already: only change the entry
    elif [ -d "$home" ] || [ ! -d "$old" ]; then usermod -d "$home" "$u"
    else usermod -m -d "$home" "$u"; fi
fi
