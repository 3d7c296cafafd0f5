#pragma once

#include "core/error.h"
#include "core/value.h"

#include <string_view>

namespace hadeploy::ssh {

/// Reports lines of a systemd unit file that are not a section, an assignment or a comment, with
/// their numbers, and a missing section that a unit of this kind needs.
/// @param unit  name of the unit with its suffix; "" for a drop-in, which needs no section
void check_unit_file(const Value& content, std::string_view unit, Diagnostics& diagnostics);

/// The suffix of a unit that can be a file: "service", "timer"; "" for any other name.
std::string_view unit_kind(std::string_view name);

} // namespace hadeploy::ssh
