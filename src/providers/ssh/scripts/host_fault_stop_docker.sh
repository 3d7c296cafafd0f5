#!/bin/sh
# The socket would start the daemon again.
sockets=docker.socket
systemctl -q is-active "$sockets" || sockets=
# shellcheck disable=SC2086 # none or one
systemctl stop $sockets docker.service
