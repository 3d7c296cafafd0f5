#pragma once

#include "core/results.h"
#include "planner/graph/graph.h"
#include "planner/plan/plan_options.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace hadeploy {

struct AttributeChange {
    std::string name;
    Value before, after;
    bool replaces = false;
    bool drift = false; ///< the desired value is the same as before: the object was changed outside
                        ///< hadeploy
};

using StepId = std::uint32_t;

struct Step {
    std::string address;
    Action action = Action::create;
    const ResourceType* type = nullptr;
    std::optional<NodeId> node; ///< none: the spec no longer has this resource
    std::int64_t generation = 1;
    std::string identity;
    Value before = {}; ///< all its attributes that are known now
    Value after = {};  ///< the desired config, as far as known; null on remove
    std::vector<AttributeChange> changes = {};
    std::string reason = {}; ///< for people
    std::string verb = {};
    /// Of a replacement: the new object is created first. A later step, of `address#generation`,
    /// removes the old one.
    bool create_first = false;
    bool read_first = false; ///< its machine is not up yet: read it in apply, and decide again
    bool takes_over = false; ///< it takes a claim of another object: read after that object has
                             ///< released the claim
    bool restarts = false;   ///< see ResourceType::restarts
    bool releases = false;   ///< see ResourceType::releases
    bool keeps = false;      ///< of a forgotten resource: its object is kept on purpose
    /// The removal that begins a replacement. It is a separate step, so that dependents of the old
    /// object are removed before it and the new object is created after it. The replacement is a
    /// later step with the same address.
    bool first_half = false;
    /// Of a replacement and its first half: carried out only if the resource differs once all
    /// values that it refers to are known.
    bool if_differs = false;
    std::map<std::string, std::string> left_to = {}; ///< see Change::left_to
    std::vector<StepId> after_steps = {};            ///< sorted
    Loc loc = {};
};

/// Data that is permanently lost when a plan is applied.
struct Loss {
    std::string address; ///< of the resource
    const ResourceType* type = nullptr;
    DataLoss data;
    /// The resource that keeps copies of it on remaining machines. "": there is none, and the loss
    /// must be confirmed.
    std::string copied_by = {};
};

/// The changes that take down one machine of a cluster, or stop what runs on it. They take their
/// turn after the plan, which leaves them out.
struct Turn {
    std::string machine;                ///< its address
    std::vector<std::string> addresses; ///< of what changes: the machine, resources on it
    std::string verb;                   ///< "replace", "restart", "update": of the first of them
};

/// A plan as data: everything that apply does. Steps are in topological order.
struct Plan {
    bool destroy = false;
    bool refresh_only = false; ///< only the state changes
    /// Only part of the spec was planned: an output that is not known keeps its recorded value.
    bool partial = false;
    std::vector<Step> steps;
    /// Resources without a step whose records need an update, because an operational attribute or
    /// the uses of the resource have changed. Apply records them silently.
    std::vector<RecordedResource> records;
    /// New addresses by recorded ones; written together with `records`.
    std::map<std::string, std::string> moves;
    /// Changes that an earlier run began and this one resumes before anything new, as in
    /// PriorState::interrupted.
    std::map<std::string, ChangeKind> resumed;
    std::vector<Loss> losses;  ///< in the order of the steps
    Value outputs;             ///< as planned
    Value outputs_before;      ///< as recorded
    std::vector<Value> values; ///< by node: the planned attributes
    /// What must not happen to the machines of a cluster at the same time. Each turn gets a plan of
    /// its own, once the one before has been applied and nothing else needs a repair.
    std::vector<Turn> later;
    std::vector<std::string> notices; ///< remarks that are not errors
    /// From ResourceType::warn() and from rules under `checks:` that do not hold.
    std::vector<Error> warnings;

    /// The number of steps as people count them: a replacement is one.
    [[nodiscard]] std::size_t size() const;
    /// Nothing changes, neither outside nor visibly in the state: no step, no address, no output.
    /// (Records may still need an update.)
    [[nodiscard]] bool empty() const;
    /// The number of steps with this action; a replacement is one.
    [[nodiscard]] std::size_t count(Action action) const;
};

} // namespace hadeploy
