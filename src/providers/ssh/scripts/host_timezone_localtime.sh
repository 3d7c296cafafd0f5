#!/bin/sh
# `localtime TARGET` replaces the link in one step.
localtime() {
    hadeploy_need /etc
    hadeploy_private "$id"
    ln -s -- "$1" "$hadeploy_new"
    mv -fT -- "$hadeploy_new" "$hadeploy_to/localtime"
    sync -- "$hadeploy_to"
    hadeploy_public
}
