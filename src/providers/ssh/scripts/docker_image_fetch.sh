#!/bin/sh
# Reads an image from another host. Variables: user, address, port, shown (the name of that host). Standard input: the
# output of docker_image_lend.sh. The key is never on a disk.
need_docker
umask 077
work=$(mktemp -d /run/hadeploy-image.XXXXXX)
trap 'rm -rf "$work"' EXIT
cat >"$work/input"
sed -n '/^-----BEGIN/,/^-----END/p' "$work/input" >"$work/key"
sed -n '/^peer /p' "$work/input" >"$work/hosts"
{
    status=0
    ssh -F none -i "$work/key" -p "$port" -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes \
        -o UserKnownHostsFile="$work/hosts" -o GlobalKnownHostsFile=none -o HostKeyAlias=peer \
        -o StrictHostKeyChecking=yes -o ConnectTimeout=10 -o ServerAliveInterval=10 -o LogLevel=ERROR \
        "$user@$address" image </dev/null 2>"$work/errors" || status=$?
    echo "$status" >"$work/status"
} | { said=$(docker load --quiet 2>&1 >/dev/null) || printf '%s\n' "$said" >"$work/load"; }
status=$(cat "$work/status")
if [ "$status" -ne 0 ]; then
    cat "$work/errors" >&2
    echo "hadeploy: the image cannot be read from $shown: $(tail -n 1 "$work/errors")" >&2
    exit 1
fi
[ ! -e "$work/load" ] || { cat "$work/load" >&2; exit 1; }
