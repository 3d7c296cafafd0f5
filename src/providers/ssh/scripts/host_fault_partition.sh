#!/bin/sh
# Variables: others4, others6: the addresses of the other nodes, separated by commas; port: that of
# SSH; way: both, in or out. SSH stays possible also through another node.
table() {
    echo 'table inet hadeploy_fault {'
    if [ "$way" != out ]; then
        echo 'chain from_others { type filter hook prerouting priority -310;'
        echo "tcp dport $port accept"
        [ -z "$others4" ] || echo "ip saddr { $others4 } drop"
        [ -z "$others6" ] || echo "ip6 saddr { $others6 } drop"
        echo '}'
    fi
    if [ "$way" != in ]; then
        echo 'chain to_others { type filter hook postrouting priority 310;'
        echo "tcp sport $port accept"
        [ -z "$others4" ] || echo "ip daddr { $others4 } drop"
        [ -z "$others6" ] || echo "ip6 daddr { $others6 } drop"
        echo '}'
    fi
    echo '}'
}
table | nft -f -
