#pragma once

#include "providers/libvirt/libvirt_type.h"

#include <chrono>
#include <string>

namespace hadeploy::libvirt {

/// The current virDomainState.
int state_of(virDomainPtr domain);
/// Whether the domain has an emulator process: running, paused, shutting down.
bool is_active(int state);
const char* state_name(int state);

/// Asks the guest to shut down (ACPI) and waits. After `timeout`, switches the domain off.
void shut_down(Session& session, virDomainPtr domain, std::chrono::milliseconds timeout);

/// Switches the domain off immediately. Does nothing if it is off.
void power_off(virDomainPtr domain);

/// The domain whose boot is watched.
struct BootWatch {
    virDomainPtr domain = nullptr;
    std::string name, address;
    std::chrono::milliseconds timeout{};
    PoolHandle pool = {};     ///< pool of the console's log
    std::string console = {}; ///< name of the log in the pool
};

/// Waits until the guest's SSH server sends its banner.
/// @throws Error with the console's last lines if the guest stops, crashes or takes too long
void wait_for_ssh(Session& session, const BootWatch& watch);

/// The last lines of a console's log, with printable characters only.
std::string last_lines(std::string_view log, std::size_t count);

} // namespace hadeploy::libvirt
