#!/bin/sh
# usage: members [none]
# Run by Serf when a member joins, leaves or fails: writes HAProxy's configuration and reloads it if it has
# changed. HAProxy hands its sockets over to the new process, and the old one completes its connections.
set -eu
exec 9>/run/members.lock
flock 9 # events come one after the other
list=
[ "${1:-}" = none ] || list=$(serf members -status=alive -tag role=app)
{
    cat /etc/elastic/haproxy.cfg
    printf '%s\n' "$list" | sort | while read -r node address _; do
        [ -z "$node" ] || printf '    server %s %s:8000 cookie %s\n' "$node" "${address%:*}" "$node"
    done
} >/run/haproxy.new
if cmp -s /run/haproxy.new /run/haproxy.cfg; then exit 0; fi
haproxy -c -q -f /run/haproxy.new
mv /run/haproxy.new /run/haproxy.cfg
s6-svc -2 /run/services/haproxy 2>/dev/null || : # not while the container starts
