#!/bin/sh
# Runs the script on descriptor 4 in its own process group, which is killed after $1 seconds. The
# script is read completely before it starts, as every section is.
hadeploy_within() {
    hadeploy_status=0
    # shellcheck disable=SC2016 # for the inner shell
    hadeploy_functions=$hadeploy_functions timeout -k 10 "$1" sh -c '
        eval "$hadeploy_functions"; unset hadeploy_functions
        hadeploy_script=$(cat <&4); exec 4<&-
        set -eu; eval "$hadeploy_script"' || hadeploy_status=$?
    case $hadeploy_status in
    124|137) echo "it took longer than $1 s and was killed" >&2; return 124 ;;
    esac
    return "$hadeploy_status"
}
