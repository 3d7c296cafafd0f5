#!/bin/sh
[ -d /run/systemd/system ] || { echo "hadeploy: systemd does not run on the host; it is needed to stop Docker" >&2; exit 1; }
systemctl -q is-active docker.service || { echo "hadeploy: Docker does not run on the host" >&2; exit 1; }
