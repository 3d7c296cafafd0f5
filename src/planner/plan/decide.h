#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// How a resource compares with what is wanted. No action: nothing to do.
struct Decision {
    std::optional<Action> action;
    std::vector<AttributeChange> changes = {};
    std::string reason = {};
    std::string verb = {}; ///< what to call it: "start" of an update, "import" of an adoption
    /// Of a replacement: only because of values that are not known yet.
    bool if_differs = false;
};

/// Compares one resource's config with its record and with what was seen. Pure; used while
/// planning, and again in apply for what could be read only then.
/// What an interrupted change may have changed, and can't be read, is changed again.
/// @throws Error(conflict) when the object is somebody else's; the observation's own error when it
///         could not be read
Decision decide(const ResourceType& type, const Value& config, const RecordedResource* recorded,
                const Interruption& interruption, const Observation& observed);

/// The same for what can't be read now: a replacement where the record tells that one is needed,
/// else no action.
Decision decide_unread(const ResourceType& type, const Value& config,
                       const RecordedResource& recorded);

/// Whether two values of a type differ. Connections are the same when they lead to the same
/// machine: a new host key is no other place.
bool differs(const Type& type, const Value& a, const Value& b);

/// What is wrong when a data source was not found or could not be read.
Error data_error(const std::string& address, const Observation& observed);

/// Adds the options of a resource without a change that are known only in apply: they are recorded
/// then.
/// @return whether there are any
bool add_open_options(Step& step);

/// Whether two configs are equal, but for what is computed and in neither known beforehand.
bool says_the_same(const ResourceType& type, Value before, Value now);

/// Whether a step, once all is known, may turn out to change nothing.
bool may_turn_out_the_same(const Step& step);

/// Why a resource is read only in apply, for people.
/// @param seen  nothing, or what could not be read
std::string read_later_reason(const std::optional<Observation>& seen);

} // namespace hadeploy
