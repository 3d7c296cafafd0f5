#pragma once

#include "core/value.h"

#include <string>
#include <string_view>
#include <vector>

/// Shared by host.service and host.unit.
namespace hadeploy::ssh {

/// The properties that these functions need, for `systemctl show -p`.
inline constexpr std::string_view kUnitProperties =
    "LoadState,ActiveState,SubState,UnitFileState,Type,Result,ExecMainExitTimestampMonotonic";

bool is_unit_name(std::string_view name);
/// The value of the line "NAME=value"; "" if there is none.
std::string property(const std::vector<std::string>& all, std::string_view name);
/// Whether the unit runs. A one-shot service counts as running if `wanted` is true and the service
/// has run successfully. systemd forgets a unit that nothing refers to, so the line "memory ran"
/// says that the service was started.
bool unit_runs(const std::vector<std::string>& all, bool wanted);
/// Whether the unit is started at boot. A unit without an [Install] section can be neither enabled
/// nor disabled, so the result is the desired value.
Value unit_enabled(const std::vector<std::string>& all, const Value& wanted);

} // namespace hadeploy::ssh
