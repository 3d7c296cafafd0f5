#pragma once

#include "core/error.h"
#include "core/value.h"
#include "providers/aws-ec2/query.h"

#include <string>

namespace hadeploy::aws {

inline constexpr std::int64_t kGib = std::int64_t{1} << 30;

/// What a config says about a disk: a volume, or the one from which an instance boots.
struct Disk {
    const Value &size, &type, &iops, &throughput; ///< bytes; "gp3"; a second; MiB a second
};

/// Checks a disk against the ranges of its type (CreateVolume).
void check_disk(const Disk& disk, Diagnostics& problems);
/// Adds what is set to a request, without what its type does not have.
/// @param size_name  the parameter of its size, which differs between actions
void specify_disk(Params& params, const std::string& prefix, const Disk& disk,
                  const char* size_name);

} // namespace hadeploy::aws
