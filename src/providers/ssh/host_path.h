#pragma once

#include "providers/ssh/host.h"

namespace hadeploy::ssh {

// Shared by host.file, host.directory and the types of mounts.

/// A probe of `path`. Prints the kind of the object. If this is the desired kind (`test`: "-f",
/// "-d"), also prints its owner, group and mode, and runs `more`; otherwise runs `otherwise`. Both
/// run in the directory of the object, whose name is $n. `more` may replace the shell.
std::string probe_path(std::string_view path, std::string_view test, std::string_view more = ":",
                       std::string_view otherwise = ":");
/// Absent, or present with path, owner, group and mode, in the notation of `config`. `kind`: "a
/// directory".
Observation parse_path(const Value& config, std::string_view kind, const ProbeResult& result);
/// The part of `seen`, e.g. "1000:ops", to compare with `wanted`. If `wanted` is a number, this is
/// the number in `seen`, so no user with that number has to exist on the host.
std::string as_asked(std::string_view wanted, std::string_view seen);
/// A path or source of a mount as in /proc/mounts and /etc/fstab: "/my data" -> "/my\\040data".
std::string in_mount_table(std::string_view text);
/// "OWNER:GROUP"
std::string owner_of(const Value& config);

} // namespace hadeploy::ssh
