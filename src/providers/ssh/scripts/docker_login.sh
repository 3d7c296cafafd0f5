#!/bin/sh
# Variables: server ("" for Docker Hub), shown (its name), user. Standard input: the password.
need_docker
[ -d ~root/.docker ] || mkdir -m 0700 ~root/.docker
file=~root/.docker/config.json
if [ -e "$file" ]; then # docker keeps the mode of an existing file
    chown 0 "$file"
    chmod 0600 "$file"
fi
# shellcheck disable=SC2086 # nothing for Docker Hub
said=$(docker login --username "$user" --password-stdin $server 2>&1 >/dev/null) && exit 0
printf '%s\n' "$said" >&2
registry_why
echo "hadeploy: the login to $shown failed: $why" >&2
exit 1
