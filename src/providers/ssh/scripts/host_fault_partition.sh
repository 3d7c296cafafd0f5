#!/bin/sh
# Variables: others4, others6: the addresses of the other nodes, separated by commas; port: that of
# SSH; way: both, in or out. SSH stays possible, even through a different node.
# chain NAME HOOK PRIORITY, and of the packets: the side of SSH's port and that of the other node
chain() {
    echo "chain $1 { type filter hook $2 priority $3;"
    echo "tcp $4 $port accept"
    [ -z "$others4" ] || echo "ip $5 { $others4 } drop"
    [ -z "$others6" ] || echo "ip6 $5 { $others6 } drop"
    echo '}'
}
table() {
    echo 'table inet hadeploy_fault {'
    [ "$way" = out ] || chain from_others prerouting -310 dport saddr
    [ "$way" = in ] || chain to_others postrouting 310 sport daddr
    echo '}'
}
table | nft -f -
