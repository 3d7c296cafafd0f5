#!/bin/sh
# `seconds`: prints the seconds since boot. `late BEGAN N`: succeeds if N seconds have passed
# since BEGAN. Loops use these as time limits instead of counting rounds, because a round takes as
# long as its slowest query.
seconds() {
    read -r up rest </proc/uptime
    echo "${up%.*}"
}
late() {
    [ $(($(seconds) - $1)) -ge "$2" ]
}
