#pragma once

#include "cli/project.h"

#include <map>
#include <string>

namespace hadeploy::cli {

/// SHA-256 digests of the effects of a plan: for each step under its address, for each output under
/// "output NAME", and for the rest under "". Secrets are included; texts for people are not. Local
/// paths within the project are relative to it, so that the digests are the same in a different
/// directory.
using PlanDigests = std::map<std::string, std::string>;
PlanDigests plan_digests(const Plan& plan, const Project& project);

/// The parts that differ or that only one of the plans has, in order: "web, output url, other
/// parts".
/// "" if they are equal.
std::string differing_parts(const PlanDigests& a, const PlanDigests& b);

} // namespace hadeploy::cli
