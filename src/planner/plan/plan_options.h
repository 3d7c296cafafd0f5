#pragma once

#include <string>
#include <vector>

namespace hadeploy {

/// Options of `plan`, `apply` and `destroy` that affect the plan. They are stored in a saved plan.
struct PlanOptions {
    bool destroy = false;      ///< remove the recorded resources
    bool refresh = true;       ///< false: use the state without reading the real objects
    bool refresh_only = false; ///< only update the state to match the real objects
    /// Addresses of resources, instances or modules to plan for; empty: everything.
    std::vector<std::string> targets;
    /// Addresses that the plan excludes, with their dependents (for removals: with their
    /// dependencies). Cannot be combined with targets.
    std::vector<std::string> exclude;
    /// Addresses of single resources to replace even without a change.
    std::vector<std::string> replace;
    /// Leave out everything that takes a machine of a cluster down, so that the plan is empty if
    /// everything else matches the spec. Not stored in a saved plan.
    bool hold = false;
};

} // namespace hadeploy
