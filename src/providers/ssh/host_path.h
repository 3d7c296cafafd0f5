#pragma once

#include "providers/ssh/host.h"

namespace hadeploy::ssh {

// What files and directories share.

/// A probe of `path`: its kind; of the wanted kind (`test`: "-f", "-d") also owner, group and mode,
/// and what `more` prints, of $n in the current directory.
std::string probe_path(std::string_view path, std::string_view test, std::string_view more = ":");
/// Absent, or present with path, owner, group and mode, in the form that `config` has them.
/// `kind`: "a directory".
Observation parse_path(const Value& config, std::string_view kind, const ProbeResult& result);
/// An owner as it is compared with the wanted one: `seen` is "1000:ops"; a wanted number is
/// compared with the number, which needs no user of that number on the host.
std::string as_asked(std::string_view wanted, std::string_view seen);
/// "OWNER:GROUP"
std::string owner_of(const Value& config);

} // namespace hadeploy::ssh
