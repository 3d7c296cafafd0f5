#!/bin/sh
# Variables: others: the addresses of the other nodes; port: that of SSH; netem: the disturbance.
# Packets to these addresses go through the last band of a qdisc and its netem; all others are sent
# as by the default qdisc. The handle marks the qdisc as ours.
devices=
for other in $others; do
    route=$(ip -o route get "$other") || { echo "hadeploy: there is no route to $other" >&2; exit 1; }
    device=${route#* dev }
    device=${device%% *}
    case " $devices " in *" $device "*) ;; *) devices="$devices $device" ;; esac
done
for device in $devices; do
    case $(tc qdisc show dev "$device" root) in
    '' | 'qdisc '*' 0: '*) ;;
    *) echo "hadeploy: $device already has its own traffic control (tc qdisc show dev $device)" >&2; exit 1 ;;
    esac
done
missing() {
    echo "hadeploy: tc cannot add the qdisc $1; the kernel may lack its module sch_$1" >&2
    exit 1
}
for device in $devices; do
    tc qdisc add dev "$device" root handle fa17: prio bands 4 || missing prio
    # shellcheck disable=SC2086 # words
    tc qdisc add dev "$device" parent fa17:4 netem $netem || missing netem
    tc filter add dev "$device" parent fa17: protocol ip prio 1 u32 \
        match ip protocol 6 0xff match ip sport "$port" 0xffff flowid fa17:1
    for other in $others; do
        case $other in
        *:*) tc filter add dev "$device" parent fa17: protocol ipv6 prio 3 u32 match ip6 dst "$other/128" flowid fa17:4 ;;
        *) tc filter add dev "$device" parent fa17: protocol ip prio 2 u32 match ip dst "$other/32" flowid fa17:4 ;;
        esac
    done
done
