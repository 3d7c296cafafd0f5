#!/bin/sh
# Prints the layers of each image; nothing if Docker does not answer, or if it uses containerd's image store, which
# needs all layers in an archive.
docker_up || exit 0
case $(docker info --format '{{.DriverStatus}}') in *io.containerd.snapshotter*) exit 0 ;; esac
images=$(docker image ls --quiet --no-trunc) || exit 0
# shellcheck disable=SC2086 # words
[ -z "$images" ] || docker image inspect --format '{{join .RootFS.Layers " "}}' $images || exit 0
