#pragma once

#include "core/results.h"
#include "planner/graph/graph.h"

#include <map>
#include <set>
#include <string>

namespace hadeploy {

/// A change that an earlier run began, but that failed or was not completed.
struct Interruption {
    std::optional<ChangeKind> action = {}; ///< none: nothing was interrupted
    Value config = {};                     ///< target of an interrupted update; see kChangedNames
};

/// The key under which the intent of an update stores the names of the differing attributes, beside
/// the config. (No attribute has this name.)
inline constexpr const char* kChangedNames = "(changed)";

/// The objects of the project's other environments, as far as their states can be read.
struct Elsewhere {
    struct Holder {
        std::string environment, address;
        std::string identity;
    };
    std::map<std::string, Holder> claims; ///< see ResourceType::claims()
    std::map<std::string, Holder> shares; ///< see ResourceType::shares()
};

/// The inputs of a plan other than the spec.
struct PriorState {
    std::string lineage;
    std::int64_t serial = 0;
    std::map<std::string, RecordedResource> recorded;
    /// Addresses of recorded resources whose creation began but was not completed.
    std::set<std::string> unfinished;
    /// Changes that began but were not completed, by address (recorded or not).
    std::map<std::string, ChangeKind> interrupted;
    std::map<std::string, Value> attempted; ///< the targets of the interrupted updates
    /// New addresses of recorded resources, by their addresses in the state.
    std::map<std::string, std::string> moved;
    std::map<std::string, Observation> observed; ///< missing: not readable yet
    Value outputs = {};                          ///< as recorded; null before the first apply
    Elsewhere elsewhere = {};
};

Interruption interruption_of(const PriorState& prior, const std::string& address);

/// Whether the machine accepts logins, according to its observation.
bool machine_is_up(const PriorState& prior, const std::string& address);

/// The normalized settings of each provider, by the provider's name.
using ProviderSettings = std::map<std::string, Value>;

} // namespace hadeploy
