#!/bin/sh
# Variables: count (bricks), patience (seconds).
need_glusterd
wait_healed
