#!/bin/sh
# Variables: options (words), names (the second compose file, or ""), files (a function of the
# caller that writes the local files named in the compose file into the current directory). Reads
# the compose file from standard input.
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory" || exit 1
cat >compose.yml
files
if [ -n "$names" ]; then
    printf %s "$names" >names.yml
    options="$options -c compose.yml -c names.yml"
else
    options="$options -c compose.yml"
fi
# shellcheck disable=SC2086 # words
docker_again docker stack deploy $options "$stack"
