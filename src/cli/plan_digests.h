#pragma once

#include "cli/project.h"

#include <map>
#include <string>

namespace hadeploy::cli {

/// What a plan does, as SHA-256 digests: of each step by its address, of each output as
/// "output NAME", and of the rest as "". Secrets count, texts for people do not. Local paths within
/// the project count relative to it, so that a plan is the same in another directory.
using PlanDigests = std::map<std::string, std::string>;
PlanDigests plan_digests(const Plan& plan, const Project& project);

/// The parts that only one of them has, or that differ, in order: "web, output url, other parts".
/// "" if they are equal.
std::string differing_parts(const PlanDigests& a, const PlanDigests& b);

} // namespace hadeploy::cli
