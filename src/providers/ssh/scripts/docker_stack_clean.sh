#!/bin/sh
# Removes unused configs and secrets of the stack that were named by their content; Docker refuses
# to remove those in use. Variables: current (names to keep, separated by spaces).
list_names() {
    docker "$kind" ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}}' >&3
}
for kind in config secret; do
    names=$(docker_again list_names 3>&1) || exit 1
    for name in $names; do
        case $name in "$stack"_*_[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]) ;;
        *) continue;;
        esac
        case $current in *" $name "*) ;; *) docker "$kind" rm "$name" >/dev/null 2>&1 || :;; esac
    done
done
