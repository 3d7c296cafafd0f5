#!/bin/sh
# Variables: volumes. `start force` starts only processes that do not run.
for volume in $volumes; do
    gluster --mode=script volume start "$volume" force >/dev/null || exit 1
done
