#!/bin/sh
need_glusterd
case $(show "/var/lib/glusterd/vols/$volume/info" 2>/dev/null) in
*"user.hadeploy.identity=$identity"*) gl volume delete "$volume" >/dev/null;;
esac
