#pragma once

#include "planner/graph/graph.h"
#include "planner/plan/plan_options.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace hadeploy {

/// What a step does.
enum class Action {
    adopt, ///< it is there as wanted: only recorded
    create,
    update,
    replace, ///< remove, then create (see Step::create_first)
    read,    ///< can't be read yet: read when its machine is up, and repaired if it differs; of a
             ///< data source: read when what it needs is there
    remove,
    forget,  ///< nothing to do outside: it is gone, or goes with its machine
    refresh, ///< only noted in the state: it is not as recorded
};
std::string_view action_name(Action action);

struct AttributeChange {
    std::string name;
    Value before, after;
    bool replaces = false;
    bool drift = false; ///< the spec wants what it wanted before: something else changed it
};

using StepId = std::uint32_t;

struct Step {
    std::string address;
    Action action = Action::create;
    const ResourceType* type = nullptr;
    std::optional<NodeId> node; ///< none: a resource that the spec no longer has
    std::int64_t generation = 1;
    std::string identity;
    Value before = {}; ///< all that is known of it now
    Value after = {};  ///< the wanted config, as far as known; null on remove
    std::vector<AttributeChange> changes = {};
    std::string reason = {}; ///< why, for people
    std::string verb = {};
    /// Of a replacement: the new one is made first. A later step, of `address#generation`, removes
    /// the old one.
    bool create_first = false;
    bool read_first = false; ///< its machine is not up yet: read it then, and decide again
    bool takes_over = false; ///< what another object has so far: read once that has let it go
    bool keeps = false;      ///< of a resource that is forgotten: its object stays on purpose
    /// The removal that a replacement begins with: a step of its own, so that what stands on the
    /// old object goes before it, and the new object is made after that. The replacement is a later
    /// step of the same address.
    bool first_half = false;
    /// Of a replacement and of its first half: only if the resource differs once all that it refers
    /// to is known. If it does not, it stays.
    bool if_differs = false;
    std::map<std::string, std::string> left_to = {}; ///< see Change::left_to
    std::vector<StepId> after_steps = {};            ///< sorted
    Loc loc = {};
};

/// Data that is lost for good when a plan is applied.
struct Loss {
    std::string address; ///< of the resource
    const ResourceType* type = nullptr;
    DataLoss data;
    /// The resource that keeps copies of it on machines that stay. "": nothing does, and the loss
    /// needs to be confirmed.
    std::string copied_by = {};
};

/// Data: what apply does, and nothing else. Steps stand in a topological order.
struct Plan {
    bool destroy = false;
    bool refresh_only = false; ///< nothing outside of the state changes
    /// Only a part of the spec was planned: an output that is not known stays as recorded.
    bool partial = false;
    std::vector<Step> steps;
    /// Resources without a step whose record is out of date all the same: what only steers how
    /// changes are made is new, or they are used in another way. Apply notes them, silently.
    std::vector<RecordedResource> records;
    /// New addresses of what the state has under other ones; written together with `records`.
    std::map<std::string, std::string> moves;
    /// What an earlier run began and this one takes up, before anything new: as in
    /// PriorState::interrupted.
    std::map<std::string, std::string> resumed;
    std::vector<Loss> losses;         ///< in the order of the steps
    Value outputs;                    ///< as planned
    Value outputs_before;             ///< as recorded
    std::vector<Value> values;        ///< by node: the planned attributes
    std::vector<std::string> notices; ///< remarks that are no errors
    /// What steps say in vain (ResourceType::warn), and rules under `checks:` that do not hold.
    std::vector<Error> warnings;

    /// Steps as people count them: a replacement is one.
    [[nodiscard]] std::size_t size() const;
    /// Nothing changes, neither outside nor in what the state tells its reader: no step, no
    /// address, no output. (Records may still have to be noted.)
    [[nodiscard]] bool empty() const;
    /// Steps that change something outside of the state, or may.
    [[nodiscard]] std::size_t count(Action action) const;
};

} // namespace hadeploy
