#pragma once

#include "core/error.h"
#include "core/value.h"
#include "providers/aws-ec2/query.h"

#include <string>

namespace hadeploy::aws {

inline constexpr std::int64_t kGib = std::int64_t{1} << 30;

/// The settings of a disk in a config: of a volume, or of an instance's root volume.
struct Disk {
    const Value &size, &type, &iops, &throughput; ///< bytes; "gp3"; per second; MiB per second
};

/// Checks a disk against the ranges of its type (CreateVolume).
void check_disk(const Disk& disk, Diagnostics& problems);
/// Adds the settings that the volume type supports to a request.
/// @param size_name  the name of the size parameter, which differs between actions
void specify_disk(Params& params, const std::string& prefix, const Disk& disk,
                  const char* size_name);

} // namespace hadeploy::aws
