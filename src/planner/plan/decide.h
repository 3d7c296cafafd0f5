#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// The result of comparing a resource with its desired config. Without an action there is nothing
/// to do.
struct Decision {
    std::optional<Action> action;
    std::vector<AttributeChange> changes = {};
    std::string reason = {};
    std::string verb = {}; ///< a name for the action: "start" for an update, "import" for an
                           ///< adoption
    /// For a replacement: whether it is needed only if values that are not known yet differ.
    bool if_differs = false;
};

/// Compares the config of one resource with its record and with the observation. Pure; used during
/// planning, and again in apply for resources that can be read only then. Attributes that an
/// interrupted update may have changed, and that cannot be read, are changed again.
/// @throws Error(conflict) if hadeploy does not manage the object; the observation's own error if
///         the object could not be read
Decision decide(const ResourceType& type, const Value& config, const RecordedResource* recorded,
                const Interruption& interruption, const Observation& observed);

/// Decides on a resource that cannot be read now: a replacement if the record shows that one is
/// needed, otherwise no action.
Decision decide_unread(const ResourceType& type, const Value& config,
                       const RecordedResource& recorded);

/// Whether two values of a type differ. Connections are equal if they lead to the same machine,
/// even if its host key is new.
bool differs(const Type& type, const Value& wanted, const Value& have);
/// Whether two values of an attribute differ. An attribute that the provider fills in can have any
/// value if the config has none.
bool differs(const Attribute& attribute, const Value& wanted, const Value& have);

/// The error for a data source that was not found or could not be read.
Error data_error(const std::string& address, const Observation& observed);

/// Adds to the step of an unchanged resource the operational attributes whose values are known only
/// in apply. Apply records these values.
/// @return whether there are any
bool add_open_options(Step& step);

/// Whether two configs are equal, apart from computed attributes that are unknown in both.
bool says_the_same(const ResourceType& type, Value before, Value now);

/// Whether it can turn out that a step changes nothing, once all values are known.
bool may_turn_out_the_same(const Step& step);

/// Why a resource is read only in apply, for people.
/// @param seen  the failed observation, if there is one
std::string read_later_reason(const std::optional<Observation>& seen);

} // namespace hadeploy
