#!/usr/bin/env bash
# Runs a command where virtual machines can be reached. Starts and stops the lab if it is not up.
set -euo pipefail
lab=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../scripts" && pwd)/lab
if ! "$lab" status >/dev/null 2>&1; then
    trap '"$lab" down' EXIT
    "$lab" up
fi
"$lab" exec "$@"
