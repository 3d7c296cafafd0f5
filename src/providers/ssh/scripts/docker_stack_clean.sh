#!/bin/sh
# Removes unused configs and secrets of the stack that were named by their content; Docker refuses
# to remove those in use. Variables: current (names to keep, separated by spaces).
for kind in config secret; do
    for name in $(docker "$kind" ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}}'); do
        case $name in "$stack"_*_[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]) ;;
        *) continue;;
        esac
        case $current in *" $name "*) ;; *) docker "$kind" rm "$name" >/dev/null 2>&1 || :;; esac
    done
done
