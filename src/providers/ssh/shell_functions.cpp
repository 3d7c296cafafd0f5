#include "providers/ssh/shell_functions.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
// apt-get itself waits only for the lock of dpkg, not for the lock of the package lists.
constexpr std::string_view kApt = R"sh(export DEBIAN_FRONTEND=noninteractive
apt() {{
    began=$(seconds) mended=
    while :; do
        log=$(timeout -k 10 {1} apt-get -q -y -o DPkg::Lock::Timeout={0} -o Dpkg::Options::=--force-confdef \
                  -o Dpkg::Options::=--force-confold --no-install-recommends "$@" 2>&1 </dev/null) && return
        case $? in
        124|137) log="apt-get $1 took longer than {1} s ($(printf %s "$log" | tail -n 1))"; return 1 ;;
        esac
        case $log in
        *'/var/lib/apt/lists/lock'*) ! late "$began" {0} || return 1; sleep 2 ;;
        *'dpkg was interrupted'*)
            [ -z "$mended" ] || return 1
            mended=1
            log=$(dpkg --force-confdef --force-confold --configure -a 2>&1 </dev/null) || return 1 ;;
        *) return 1 ;;
        esac
    done
}}
)sh";
} // namespace

std::string apt_functions(long long lock_timeout, long long timeout) {
    return std::string(kSeconds) + fmt::format(kApt, lock_timeout / 1000, timeout / 1000);
}

} // namespace hadeploy::ssh
