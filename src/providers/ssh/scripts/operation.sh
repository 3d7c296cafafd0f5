#!/bin/sh
# Descriptor 3 is the input of the connection. The parent is the sshd process of this connection,
# or sudo; the tails also end with the connection, at their next write. tail of BusyBox cannot wait
# for a process or poll more than once a second, so if tail is the BusyBox that runs the shell, a
# loop replaces it.
hadeploy_is_busybox() {
    hadeploy_word=$(command -v tail)
    case $hadeploy_word in
    /*) [ "/proc/$$/exe" -ef "$hadeploy_word" ] ;;
    esac
}
hadeploy_copy() {
    exec <"$2"
    while kill -0 "$1" 2>/dev/null; do
        cat || exit
        sleep 0.2
    done
    cat
}
hadeploy_follow() {
    if hadeploy_is_busybox; then
        hadeploy_copy "$1" "$hadeploy_mine.out" 2>/dev/null 3<&- &
        hadeploy_tails=$!
        hadeploy_copy "$1" "$hadeploy_mine.err" 3<&- >&2 2>/dev/null &
        hadeploy_tails="$hadeploy_tails $!"
        return 0
    fi
    tail -c +1 -s 0.1 --pid="$1" -f -- "$hadeploy_mine.out" 2>/dev/null 3<&- &
    hadeploy_tails=$!
    tail -c +1 -s 0.1 --pid="$1" -f -- "$hadeploy_mine.err" 3<&- >&2 2>/dev/null &
    hadeploy_tails="$hadeploy_tails $!"
}
hadeploy_hear() {
    read -r hadeploy_word <&3 || return 0
    rm -f -- "$hadeploy_mine.out" "$hadeploy_mine.err"
    # shellcheck disable=SC2086 # words
    kill $hadeploy_tails 2>/dev/null
}
hadeploy_attach() {
    hadeploy_rounds=0
    hadeploy_works "$hadeploy_mine.out"
    while [ -z "$hadeploy_worker" ] && [ "$hadeploy_rounds" != 50 ]; do
        hadeploy_rounds=$((hadeploy_rounds + 1))
        sleep 0.1
        hadeploy_works "$hadeploy_mine.out"
    done
    [ -n "$hadeploy_worker" ] || exit 0
    hadeploy_follow "$hadeploy_worker"
    hadeploy_hear >/dev/null 2>&1 &
    # shellcheck disable=SC2086 # words
    wait $hadeploy_tails
    exit 0
}
hadeploy_clear() {
    for hadeploy_file in "/run/hadeploy/$hadeploy_state".*.err; do
        case $hadeploy_file in
        "/run/hadeploy/$hadeploy_state.$hadeploy_run".*) ;;
        *) [ ! -e "$hadeploy_file" ] || set -- "$@" "$hadeploy_file" "${hadeploy_file%err}out" ;;
        esac
    done
    [ $# = 0 ] || rm -f -- "$@"
}
hadeploy_listened_to() {
    kill -0 "$PPID" 2>/dev/null && kill -0 "${hadeploy_tails%% *}" 2>/dev/null
}
hadeploy_end() {
    hadeploy_mark end 0
    exec >/dev/null 2>&1
    hadeploy_hear
    exit 0
}
hadeploy_step() {
    hadeploy_mark "$1" "$2"
    [ "$2" = 0 ] && hadeploy_listened_to || hadeploy_end
}
hadeploy_look() {
    hadeploy_mark "$1" "$2"
    hadeploy_listened_to || hadeploy_end
}

exec 3<&0 </dev/null
read -r hadeploy_boot </proc/sys/kernel/random/boot_id
[ ! -e "$hadeploy_mine.out" ] || hadeploy_attach
if [ -n "$hadeploy_known" ]; then
    [ "$hadeploy_boot" = "$hadeploy_known" ] && hadeploy_mark gone 0 || hadeploy_mark rebooted 0
    exit 0
fi
hadeploy_wait
hadeploy_clear
[ -d /run/hadeploy ] || mkdir -p -m 0700 /run/hadeploy || exit 1
[ ! -d /var/lib/hadeploy ] || chmod -R go= /var/lib/hadeploy
: >>"$hadeploy_mine.err"
set -C
{ true >"$hadeploy_mine.out"; } 2>/dev/null || hadeploy_attach
set +C
hadeploy_follow $$
exec >>"$hadeploy_mine.out" 2>>"$hadeploy_mine.err"
hadeploy_start="$hadeploy_boot $$"
