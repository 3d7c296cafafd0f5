#!/bin/sh
# Records of faults, each with an armed undo. Used on nodes and on the libvirt host. A fault is a
# directory $fault_dir/fault.NODE:
#   about   KIND LINEAGE BEGAN SECONDS, times in seconds since boot
#   undo    script that ends the fault; can be run again
#   keeper  script that runs `undo` after SECONDS, for an hour until it succeeds, and then removes
#           the directory
#   armed   BOOT PID START: the process that runs `keeper`
# Seconds since boot do not change when the clock is set.
# shellcheck disable=SC2034,SC2154 # variables of the caller; the rest of a line
fault_refuse() {
    printf 'hadeploy: %s\n' "$1" >&2
    exit 1
}
# Prints the start time of the process $1, which distinguishes it from a later process with the same
# number.
fault_start() {
    { read -r fault_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    # shellcheck disable=SC2086 # words; the second one may contain spaces
    set -- ${fault_stat##*) }
    [ "$1" != Z ] || return 1
    echo "${20}"
}
# Whether the undo of the fault $1 is armed; sets $fault_pid.
fault_armed() {
    { read -r fault_boot fault_pid fault_began <"$1/armed"; } 2>/dev/null || return 1
    read -r fault_now </proc/sys/kernel/random/boot_id
    [ "$fault_boot" = "$fault_now" ] && [ "$(fault_start "$fault_pid")" = "$fault_began" ]
}
# Arms the undo. Variables: fault_node, fault_kind, fault_lineage, fault_seconds; fault_hold, which
# the keeper runs at its start; fault_undo. Sets $fault.
fault_arm() {
    umask 077
    [ -d "$fault_dir" ] || mkdir -p -- "$fault_dir"
    fault=$fault_dir/fault.$fault_node
    if ! mkdir -- "$fault" 2>/dev/null; then
        fault_word=unknown
        { read -r fault_word fault_rest <"$fault/about"; } 2>/dev/null || :
        fault_refuse "$fault_node already has a fault: $fault_word"
    fi
    read -r fault_now fault_rest </proc/uptime
    echo "$fault_kind $fault_lineage ${fault_now%%.*} $fault_seconds" >"$fault/about"
    printf '%s\n' "$fault_undo" >"$fault/undo"
    printf '%s\n' "$fault_hold" >"$fault/hold"
    cat >"$fault/keeper" <<'KEEPER'
fault=$1
exec </dev/null >"$fault/log" 2>&1
PATH=$PATH:/usr/sbin:/sbin
trap '' HUP
cd /
{ echo -1000 >/proc/$$/oom_score_adj; } 2>/dev/null
. "$fault/hold"
read -r boot </proc/sys/kernel/random/boot_id
read -r stat </proc/$$/stat
pid=$$ seconds=$2
set -- ${stat##*) }
echo "$boot $pid ${20}" >"$fault/armed.new"
mv "$fault/armed.new" "$fault/armed"
sleep "$seconds"
tries=0
until sh "$fault/undo" "$fault"; do
    tries=$((tries + 1))
    [ "$tries" != 720 ] || exit 1
    sleep 5
done
rm -rf -- "$fault"
KEEPER
    # The end of the connection must not end the keeper, so it leaves the session and, with
    # systemd, the control group of sshd.
    if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
        systemd-run -q --collect --unit "hadeploy-fault-$fault_node" \
            sh "$fault/keeper" "$fault" "$fault_seconds" || :
    else
        setsid sh "$fault/keeper" "$fault" "$fault_seconds" </dev/null >/dev/null 2>&1 3>&- &
    fi
    fault_tries=0
    until fault_armed "$fault"; do
        fault_tries=$((fault_tries + 1))
        if [ "$fault_tries" = 100 ]; then
            fault_word=$(tail -n 1 "$fault/log" 2>/dev/null) || :
            rm -rf -- "$fault"
            fault_refuse "the undo cannot be armed${fault_word:+: $fault_word}"
        fi
        sleep 0.1
    done
}
# Ends the fault $1 and removes its record. Succeeds if there is none, and does nothing if it is not
# the fault $fault_kind of $fault_lineage.
fault_end() {
    [ -d "$1" ] || return 0
    fault_word=unknown fault_owner=unknown
    { read -r fault_word fault_owner fault_rest <"$1/about"; } 2>/dev/null || :
    [ "$fault_word $fault_owner" = "$fault_kind $fault_lineage" ] || return 0
    if [ -f "$1/undo" ]; then
        PATH=$PATH:/usr/sbin:/sbin sh "$1/undo" "$1" || fault_refuse "the undo failed"
    fi
    if fault_armed "$1"; then
        # the keeper's session, with its `sleep`
        kill -s TERM -- "-$fault_pid" 2>/dev/null || kill "$fault_pid" 2>/dev/null || :
        fault_tries=0
        while fault_armed "$1" && [ "$fault_tries" != 50 ]; do
            fault_tries=$((fault_tries + 1))
            sleep 0.1
        done
    fi
    rm -rf -- "$1"
}
# Prints for each fault: fault NODE KIND LINEAGE SECONDS_SINCE SECONDS_LEFT ARMED
fault_list() {
    read -r fault_up fault_rest </proc/uptime
    for fault in "$fault_dir"/fault.*; do
        [ -d "$fault" ] || continue
        fault_kind=unknown fault_lineage=unknown fault_since=${fault_up%%.*} fault_seconds=0
        { read -r fault_kind fault_lineage fault_since fault_seconds <"$fault/about"; } 2>/dev/null || :
        fault_since=$((${fault_up%%.*} - fault_since))
        fault_word=no
        ! fault_armed "$fault" || fault_word=yes
        echo "fault ${fault##*/fault.} $fault_kind $fault_lineage $fault_since $((fault_seconds - fault_since)) $fault_word"
    done
}
