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
    bool drift = false; ///< the desired value is unchanged: the object was changed outside hadeploy
};

using StepId = std::uint32_t;

struct Step {
    std::string address;
    Action action = Action::create;
    const ResourceType* type = nullptr;
    std::optional<NodeId> node; ///< none: the spec no longer has this resource
    std::int64_t generation = 1;
    std::string identity;
    Value before = {}; ///< all attributes of the old object that are known now
    Value after = {};  ///< the desired config, as far as known; null on remove
    std::vector<AttributeChange> changes = {};
    std::string reason = {}; ///< for people
    std::string verb = {};
    /// For a replacement: the new object is created first. A later step, with the address
    /// `address#generation`, removes the old object.
    bool create_first = false;
    bool read_first = false; ///< the machine is not up yet: the object is read in apply, and the
                             ///< step is decided again
    bool takes_over = false; ///< the step takes a claim of another object: it is read after that
                             ///< object has released the claim
    bool restarts = false;   ///< see ResourceType::restarts
    bool releases = false;   ///< see ResourceType::releases
    bool keeps = false;      ///< for a forgotten resource: the object is kept on purpose
    /// The removal that begins a replacement. It is a separate step, so that dependents of the old
    /// object are removed before it and the new object is created after it. The replacement is a
    /// later step with the same address.
    bool first_half = false;
    /// For a replacement and its first half: the step is carried out only if the resource still
    /// differs when all values that it refers to are known.
    bool if_differs = false;
    std::map<std::string, std::string> left_to = {}; ///< see Change::left_to
    std::vector<StepId> after_steps = {};            ///< sorted
    Loc loc = {};
};

/// Data that is permanently lost when a plan is applied.
struct Loss {
    std::string address; ///< address of the resource
    const ResourceType* type = nullptr;
    DataLoss data;
    /// The resource that keeps copies of the data on remaining machines. "": there is none, and the
    /// loss must be confirmed.
    std::string copied_by = {};
};

/// The changes that take down one machine of a cluster, or stop services on it. They are left out
/// of the plan, and are made in a later plan (see "turn" in the glossary).
struct Turn {
    std::string machine;                ///< address of the machine
    std::vector<std::string> addresses; ///< changed resources: the machine, resources on it
    std::string verb; ///< "replace", "restart" or "update": the verb of the first change
};

/// A plan as data: everything that apply does. Steps are in topological order.
struct Plan {
    bool destroy = false;
    bool refresh_only = false; ///< only the state changes
    /// Only a part of the spec was planned, so an output that is not known keeps its recorded
    /// value.
    bool partial = false;
    std::vector<Step> steps;
    /// Resources without a step whose records need an update, because an operational attribute or
    /// the users of the resource have changed. Apply records them silently.
    std::vector<RecordedResource> records;
    /// New addresses by recorded ones; written together with `records`.
    std::map<std::string, std::string> moves;
    /// Changes that an earlier run began, and that this plan resumes before it starts anything new;
    /// in the form of PriorState::interrupted.
    std::map<std::string, ChangeKind> resumed;
    std::vector<Loss> losses;  ///< in the order of the steps
    Value outputs;             ///< planned outputs
    Value outputs_before;      ///< recorded outputs
    std::vector<Value> values; ///< by node: the planned attributes
    /// Changes of the machines of a cluster that must not be made at the same time. Each turn gets
    /// a plan of its own, once the previous plan has been applied and nothing else needs a repair.
    std::vector<Turn> later;
    std::vector<std::string> notices; ///< notices, which are not errors
    /// Warnings of resource types, and from rules under `checks:` that are false.
    std::vector<Error> warnings;

    /// The number of steps as people count them: a replacement counts as one step.
    [[nodiscard]] std::size_t size() const;
    /// Whether the plan changes neither a real object nor anything visible in the state: it has no
    /// step, and no address or output changes. (Records may still need an update.)
    [[nodiscard]] bool empty() const;
    /// The number of steps with this action; a replacement counts as one step.
    [[nodiscard]] std::size_t count(Action action) const;
};

} // namespace hadeploy
