#pragma once

#include "planner/graph/graph.h"

#include <map>
#include <set>
#include <string>

namespace hadeploy {

/// A change that an earlier run began, and did not get to the end of or failed with.
struct Interruption {
    std::string action = {}; ///< "create", "update", "remove"; "" for none
    Value config = {};       ///< what an update was to make of it; see kChangedNames
};

/// What an intent to update has beside the config: the names of the attributes that differed. (No
/// attribute is called that.)
inline constexpr const char* kChangedNames = "(changed)";

/// Everything a plan goes by, beside the spec.
struct PriorState {
    std::string lineage;
    std::int64_t serial = 0;
    std::map<std::string, RecordedResource> recorded;
    /// Addresses of recorded resources whose creation was begun and not seen to end.
    std::set<std::string> unfinished;
    /// What was begun ("create", "update", "remove") and not seen to end, by address (recorded or
    /// not).
    std::map<std::string, std::string> interrupted;
    std::map<std::string, Value> attempted; ///< what the interrupted updates were to make
    /// New addresses of recorded resources by those that the state still has them under.
    std::map<std::string, std::string> moved;
    std::map<std::string, Observation> observed; ///< what is missing here could not be read yet
    Value outputs = {};                          ///< as recorded; null before the first apply
};

Interruption interruption_of(const PriorState& world, const std::string& address);

/// Whether the machine can be logged in to, going by what was seen.
bool machine_is_up(const PriorState& world, const std::string& address);

/// The settings of each provider, normalized, by its name.
using ProviderSettings = std::map<std::string, Value>;

} // namespace hadeploy
