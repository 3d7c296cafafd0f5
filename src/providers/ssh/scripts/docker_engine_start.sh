#!/bin/sh
# If Docker does not start with the new daemon.json, the previous one is restored.
start() {
    systemctl reset-failed docker 2>/dev/null || :
    systemctl start docker
}
trouble() { journalctl -u docker -n 15 --no-pager -o cat; }
if ! start; then
    said=$(trouble)
    printf '%s\n' "$said" >&2
    why=$(printf '%s\n' "$said" | sed -n 's/.*\(unable to configure the Docker daemon.*\)/\1/p; s/.*\(failed to start daemon.*\)/\1/p' | tail -n 1)
    why=${why:-see its journal}
    if [ -z "$changed" ]; then echo "hadeploy: Docker does not start: $why" >&2; exit 1; fi
    if [ -s "$old" ]; then mv "$old" "$file"; else rm -f "$file" "$old"; fi
    if start; then
        echo "hadeploy: Docker does not start with these settings; it runs with the previous ones again: $why" >&2
    else
        trouble >&2
        echo "hadeploy: Docker does not start with these settings, nor with the previous ones, which were restored: $why" >&2
    fi
    exit 1
fi
