#!/bin/sh
# Sets $changed if Docker must be restarted with a different daemon.json. The previous one is kept
# as $old until the restart succeeds (an empty $old: there was none). Variables: wanted ("1": the
# new daemon.json is on standard input; "": there must not be one).
file=/etc/docker/daemon.json
old=$file.hadeploy-old changed=
mkdir -p /etc/docker
if [ -n "$wanted" ]; then
    (umask 077; rm -f "$file.new"; cat >"$file.new")
    # Docker before 23 does not know --validate
    if ! said=$(dockerd --validate --config-file "$file.new" 2>&1); then
        case $said in *'unknown flag'*) ;; *)
            rm -f "$file.new"
            printf '%s\n' "$said" >&2
            echo "hadeploy: Docker does not accept the settings, nothing was changed: ${said##*
}" >&2
            exit 1;;
        esac
    fi
    if [ ! -e "$old" ] && cmp -s "$file.new" "$file"; then mv "$file.new" "$file"; else changed=1; fi
elif [ -e "$old" ] || [ -e "$file" ]; then
    changed=1
fi
if [ -n "$changed" ]; then
    [ -e "$old" ] || if [ -e "$file" ]; then cp -p "$file" "$old"; else : >"$old"; fi
    if [ -n "$wanted" ]; then mv "$file.new" "$file"; else rm -f "$file"; fi
    systemctl stop docker
fi
