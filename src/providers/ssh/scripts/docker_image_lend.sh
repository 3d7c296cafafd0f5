#!/bin/sh
# Lets another host read one image with a key that only root of that host gets. Variables: tag, user (of the login),
# address and port (of this host's SSH server), identity. Prints the private key, then the host keys.
# The key can do nothing else, and sshd refuses it after an hour even if it is not removed.
docker image inspect "$tag" >/dev/null 2>&1 || { echo "hadeploy: this host has no image $tag" >&2; exit 1; }
umask 077
work=$(mktemp -d /run/hadeploy-image.XXXXXX)
trap 'rm -rf "$work"' EXIT
ssh-keygen -q -t ed25519 -N '' -C "hadeploy-image-$identity" -f "$work/key"
save="docker save '$tag'"
[ "$user" = root ] || save="sudo -n $save"
until=$(date -d '+1 hour' +%Y%m%d%H%M)
edit_keys "restrict,expiry-time=\"$until\",command=\"$save\" $(cat "$work/key.pub")"
cat "$work/key"
{ ssh-keyscan -T 5 -p "$port" "$address" 2>/dev/null || :; } | sed -n 's/^[^# ]* /peer /p'
for key in /etc/ssh/ssh_host_*_key.pub; do [ ! -f "$key" ] || echo "peer $(cat "$key")"; done
