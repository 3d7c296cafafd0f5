#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// The result of comparing a resource with its desired config. No action: nothing to do.
struct Decision {
    std::optional<Action> action;
    std::vector<AttributeChange> changes = {};
    std::string reason = {};
    std::string verb = {}; ///< a name for the action: "start" for an update, "import" for an
                           ///< adoption
    /// Of a replacement: needed only if values that are not known yet differ.
    bool if_differs = false;
};

/// Compares the config of one resource with its record and with the observation. Pure; used during
/// planning, and again in apply for resources that can be read only then. Attributes that an
/// interrupted update may have changed, and that cannot be read, are changed again.
/// @throws Error(conflict) if the object belongs to somebody else; the observation's own error if
///         the object could not be read
Decision decide(const ResourceType& type, const Value& config, const RecordedResource* recorded,
                const Interruption& interruption, const Observation& observed);

/// The same for a resource that cannot be read now: a replacement if the record shows that one is
/// needed, otherwise no action.
Decision decide_unread(const ResourceType& type, const Value& config,
                       const RecordedResource& recorded);

/// Whether two values of a type differ. Connections are equal if they lead to the same machine: a
/// new host key does not make it another machine.
bool differs(const Type& type, const Value& wanted, const Value& have);
/// The same for an attribute: without a wanted value, one that the provider fills in can have any.
bool differs(const Attribute& attribute, const Value& wanted, const Value& have);

/// The error for a data source that was not found or could not be read.
Error data_error(const std::string& address, const Observation& observed);

/// Adds the options of a resource without a change that are known only in apply, where they are
/// recorded.
/// @return whether there are any
bool add_open_options(Step& step);

/// Whether two configs are equal, except for computed attributes that neither of them knows yet.
bool says_the_same(const ResourceType& type, Value before, Value now);

/// Whether a step can turn out to change nothing once all values are known.
bool may_turn_out_the_same(const Step& step);

/// Why a resource is read only in apply, for people.
/// @param seen  the failed observation, if there is one
std::string read_later_reason(const std::optional<Observation>& seen);

} // namespace hadeploy
