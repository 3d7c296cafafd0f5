#!/bin/sh
# Variables: path. If two clients that see different bricks create the same directory, it gets two
# identities and causes I/O errors from then on. So directories are created once all bricks are
# connected, or after a time limit.
began=$(seconds)
while grep -qs '^connected = 0' "$path"/.meta/graphs/active/*-client-*/private; do
    ! late "$began" 20 || break
    sleep 1
done
