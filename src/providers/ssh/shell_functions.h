#pragma once

#include <string>
#include <string_view>

/// Shell functions that scripts of several types stand on.
namespace hadeploy::ssh {

/// `seconds`: prints the seconds since the host was booted. `late BEGAN N`: succeeds when N seconds
/// have passed since then. Waits go by these, not by the rounds of their loop, which take as long
/// as what they ask takes to answer.
inline constexpr std::string_view kSeconds = R"sh(seconds() {
    read -r up rest </proc/uptime
    echo "${up%.*}"
}
late() {
    [ $(($(seconds) - $1)) -ge "$2" ]
}
)sh";

/// `apt ARGS...`: apt-get that asks nothing, keeps changed configuration files, installs nothing
/// that is only recommended, waits for another package manager's lock, and ends an installation
/// that was cut off before it. Sets $log to what apt-get printed.
/// @param lock_timeout  the longest wait for a lock, in milliseconds
/// @param timeout  the longest run of apt-get, in milliseconds
std::string apt_functions(long long lock_timeout, long long timeout);

} // namespace hadeploy::ssh
