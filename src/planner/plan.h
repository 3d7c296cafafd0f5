#pragma once

#include "planner/graph.h"
#include "planner/plan_options.h"

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

/// A change that an earlier run began, and did not get to the end of or failed with.
struct Interruption {
    std::string action = {}; ///< "create", "update", "remove"; "" for none
    Value config = {};       ///< what an update was to make of it; see kChangedNames
};

/// What an intent to update has beside the config: the names of the attributes that differed. (No
/// attribute is called that.)
inline constexpr const char* kChangedNames = "(changed)";

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
Decision decide(const ResourceType& type, const Value& config, const Recorded* recorded,
                const Interruption& interruption, const Observation& observed);

/// The same for what can't be read now: a replacement where the record tells that one is needed,
/// else no action.
Decision decide_unread(const ResourceType& type, const Value& config, const Recorded& recorded);

/// Whether two values of a type differ. Connections are the same when they lead to the same
/// machine: a new host key is no other place.
bool differs(const Type& type, const Value& a, const Value& b);

/// What is wrong when a data source was not found or could not be read.
Error data_error(const std::string& address, const Observation& observed);

/// Everything a plan goes by, beside the spec.
struct World {
    std::string lineage;
    std::int64_t serial = 0;
    std::map<std::string, Recorded> recorded;
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

Interruption interruption_of(const World& world, const std::string& address);

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
    std::vector<Recorded> records;
    /// New addresses of what the state has under other ones; written together with `records`.
    std::map<std::string, std::string> moves;
    /// What an earlier run began and this one takes up, before anything new: as in
    /// World::interrupted.
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

/// UUIDv5 of the state's lineage and `address#generation`.
std::string identity_of(const std::string& lineage, const std::string& address,
                        std::int64_t generation);

/// The connections found anywhere in a config, by their machine's address.
std::set<std::string> machines_in(const Value& config);

/// Fills in what the plan takes up of what earlier runs began.
void note_resumed(Plan& plan, const World& world);

/// Whether the machine can be logged in to, going by what was seen.
bool machine_is_up(const World& world, const std::string& address);

/// A config completed by the computed attributes that it does not tell: as known from `known` (the
/// record, an observation), else unknown until apply.
Value complete(const ResourceType& type, const Value& config, const Value& known);

/// A machine's attributes with its own address written into its connection.
Value with_machine(const ResourceType& type, const std::string& address, Value attributes);

/// The settings of each provider, normalized, by its name.
using ProviderSettings = std::map<std::string, Value>;

struct Survey;
class Claims;

/// The plan for a spec.
/// @param survey  the one that went before, if there was one: what it has evaluated, and follows
///                from nothing that was seen to be otherwise, is not evaluated again
/// @throws Errors: conflicts, failed reads, wrong values
Plan make_plan(const Graph& graph, const World& world, const ProviderSettings& settings,
               const PlanOptions& options = {}, const Survey* survey = nullptr);

/// The plan to remove what is recorded: all of it, or the targets.
/// @param graph  what the spec says of the protection of objects goes before their records
Plan make_destroy_plan(const World& world, const Registry& registry,
                       const PlanOptions& options = {}, const Graph* graph = nullptr);

/// Adds the steps for what is recorded and not kept, in no order; what is within one of the
/// addresses in `let_go` is only forgotten. (A part of the two above.)
/// @param kept    whether what has this address stays
/// @param claims  of the spec's resources, so that no object goes which one of them manages; may be
///                nullptr
/// @param graph   as of make_destroy_plan()
void add_removals(Plan& plan, const World& world, const Registry& registry,
                  const std::function<bool(const std::string&)>& kept,
                  const std::vector<Dependency>& let_go, const Claims* claims, Problems& problems,
                  const Graph* graph = nullptr);

/// What is known of an old object, with the options that the spec has now of how its removal is
/// done: `force: true` counts although the replacement is in the same plan.
Value with_removal_options(const ResourceType& type, Value before, const Value& wanted);

/// Makes the removals of old generations depend on whether the new ones are needed.
void settle_old_generations(Plan& plan, const World& world);

} // namespace hadeploy
