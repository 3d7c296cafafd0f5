#!/bin/sh
# Sets $volumes: those that have been started.
pgrep -x glusterfsd >/dev/null || { echo "hadeploy: no brick process runs on this node" >&2; exit 1; }
volumes=$(gluster --mode=script volume info | awk '/^Volume Name: / { name = $3 } /^Status: Started/ { print name }')
