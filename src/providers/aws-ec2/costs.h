#pragma once

#include "core/value.h"
#include "providers/aws-ec2/disk.h"

#include <string>
#include <vector>

namespace hadeploy::aws {

/// A setting that AWS charges by, as text: "t3.micro"; "" if it is not set, "?" if it is not known
/// yet, "(secret)" if it is secret. Integers are followed by `unit`.
std::string charged(const Value& setting, std::string_view unit = {});

/// "8 GiB gp3, 4000 IOPS, 250 MiB/s", as far as it is set.
std::string disk_costs(const Disk& disk);

/// The texts that are not empty, separated by ", ".
std::string joined_costs(const std::vector<std::string>& parts);

} // namespace hadeploy::aws
