#pragma once

#include "providers/ssh/host.h"

namespace hadeploy::ssh {

// What files and directories share.

/// A probe of `path`: its kind; of the wanted kind (`test`: "-f", "-d") also owner, group and mode,
/// and what `more` prints, of $n in the current directory.
std::string probe_path(std::string_view path, std::string_view test, std::string_view more = ":");
/// Absent, or present with path, owner, group and mode. `kind`: "a directory".
Observation parse_path(std::string_view path, std::string_view kind, const ProbeResult& result);
/// "OWNER:GROUP"
std::string owner_of(const Value& config);

} // namespace hadeploy::ssh
