#pragma once

#include "core/value.h"

#include <string>

namespace hadeploy::ssh {

/// Identifies a host by address and port, with the jump hosts on the route: "10.0.0.11:22 via
/// 192.0.2.1:22". Several hosts may be behind one address, and unrelated networks may use the same
/// addresses. "" while the address is not known.
std::string place_of(const Value& connection);

/// The same for messages that are about other ports than the one of SSH: "10.0.0.11", or
/// "10.0.0.11:2222" if SSH does not use its usual port.
std::string machine_of(const Value& connection);

} // namespace hadeploy::ssh
