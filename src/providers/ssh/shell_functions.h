#pragma once

#include <string>
#include <string_view>

/// Shell functions shared by scripts of several types.
namespace hadeploy::ssh {

/// `apt ARGS...`: non-interactive apt-get. It keeps changed configuration files, installs no
/// recommended packages, waits for the lock of another package manager, and completes an
/// interrupted installation first. Sets $log to the output of apt-get.
/// @param lock_timeout  how long to wait for a lock, in milliseconds
/// @param timeout  how long one run of apt-get may take, in milliseconds
std::string apt_functions(long long lock_timeout, long long timeout);

} // namespace hadeploy::ssh
