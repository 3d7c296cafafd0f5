#pragma once

#include <string>
#include <vector>

namespace hadeploy {

/// What a plan is asked to be, beside the spec: the options of `plan`, `apply` and `destroy`. A
/// saved plan carries them.
struct PlanOptions {
    bool destroy = false;      ///< the removal of what is recorded
    bool refresh = true;       ///< false: go by the state, without reading what is really there
    bool refresh_only = false; ///< only note in the state what is really there
    /// Addresses of resources, instances or modules that the plan is about; empty: all there is.
    std::vector<std::string> targets;
    /// Addresses that the plan leaves alone, with what depends on them (of a removal: with what
    /// they depend on). Not together with targets.
    std::vector<std::string> exclude;
    /// Addresses of single resources that are made anew although nothing asks for it.
    std::vector<std::string> replace;
};

} // namespace hadeploy
