#pragma once

#include "providers/libvirt/libvirt_type.h"

#include <chrono>
#include <string>

namespace hadeploy::libvirt {

/// virDomainState as it is now.
int state_of(virDomainPtr domain);
/// Whether there is an emulator process: running, paused, shutting down.
bool is_active(int state);
const char* state_name(int state);

/// Asks the guest to shut down (ACPI) and waits; after `timeout` it is switched off.
void shut_down(Session& session, virDomainPtr domain, std::chrono::milliseconds timeout);

/// Switches off at once. Fine when it is off.
void power_off(virDomainPtr domain);

/// What the wait for a guest is about.
struct BootWatch {
    virDomainPtr domain = nullptr;
    std::string name, address;
    std::chrono::milliseconds timeout{};
    PoolHandle pool = {};     ///< where the console's log is
    std::string console = {}; ///< the log's name in the pool
};

/// Waits until the guest's SSH server answers with its banner.
/// @throws Error with the console's last lines when it stops, crashes or takes too long
void wait_for_ssh(Session& session, const BootWatch& watch);

/// Printable last lines of a console's log.
std::string last_lines(std::string_view log, std::size_t count);

} // namespace hadeploy::libvirt
