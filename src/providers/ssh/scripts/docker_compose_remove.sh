#!/bin/sh
# Variables: volumes ("-v" or "").
if (enter_project) && enter_project && [ -f ./.hadeploy ]; then
    grep -qx "owner $id" ./.hadeploy || exit 0
    # shellcheck disable=SC2086 # one word or none
    if [ -f ./compose.yml ]; then compose -f compose.yml down --remove-orphans $volumes </dev/null
    else compose down --remove-orphans $volumes </dev/null; fi
    cd /
    (hadeploy_remove_directory "${directory%/*}" "${directory##*/}" tree)
fi
