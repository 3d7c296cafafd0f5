#!/bin/sh
# apt-get itself waits only for dpkg's lock, not for the lock of the package lists.
export DEBIAN_FRONTEND=noninteractive
apt() {
    began=$(seconds) mended=
    while :; do
        log=$(timeout -k 10 "$apt_limit" apt-get -q -y -o DPkg::Lock::Timeout="$apt_patience" -o Dpkg::Options::=--force-confdef \
                  -o Dpkg::Options::=--force-confold --no-install-recommends "$@" 2>&1 </dev/null) && return
        case $? in
        124|137)
            log="$log
hadeploy: apt-get $1 took longer than $apt_limit s"
            return 1 ;;
        esac
        case $log in
        *'/var/lib/apt/lists/lock'*) ! late "$began" "$apt_patience" || return 1; sleep 2 ;;
        *'dpkg was interrupted'*)
            [ -z "$mended" ] || return 1
            mended=1
            log=$(dpkg --force-confdef --force-confold --configure -a 2>&1 </dev/null) || return 1 ;;
        *) return 1 ;;
        esac
    done
}
