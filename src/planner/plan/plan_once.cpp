#include "planner/plan/plan_once.h"

#include "core/secrecy.h"
#include "core/text.h"
#include "planner/graph/claims.h"
#include "planner/graph/computed.h"
#include "planner/graph/imports.h"
#include "planner/plan/check_making.h"
#include "planner/plan/contents.h"
#include "planner/plan/decide.h"
#include "planner/plan/elsewhere.h"
#include "planner/plan/generations.h"
#include "planner/plan/import.h"
#include "planner/plan/lifecycle.h"
#include "planner/plan/moved_types.h"
#include "planner/plan/moves.h"
#include "planner/plan/observed.h"
#include "planner/plan/places.h"
#include "planner/plan/plan_checks.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "planner/plan/removal.h"
#include "planner/plan/rounds.h"
#include "planner/plan/selection.h"
#include "planner/plan/shared_things.h"
#include "planner/plan/step_order.h"
#include "planner/plan/takings.h"
#include "planner/plan/triggers.h"
#include "planner/plan/waits.h"
#include "planner/spec/address.h"
#include "provider_api/lifecycle_keys.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

constexpr std::string_view kAskedFor = "requested with --replace";

/// Plans the nodes of a graph, dependencies first.
class Planner {
  public:
    Planner(const Graph& graph, const PriorState& prior, const ProviderSettings& settings,
            const PlanOptions& options, const Evaluation* evaluation, std::set<std::string> held)
        : graph_(graph), prior_(prior), evaluation_(evaluation), selection_(options, &graph, prior),
          records_(records_of(graph, prior.recorded)),
          replace_(addresses_to_replace(options, graph, selection_, prior)),
          places_(graph, prior, settings), fresh_(prior), shared_(graph, records_),
          holders_(graph.registry(), prior), waits_(graph), emptied_(graph), held_(std::move(held)),
          used_by_held_(used_by(held_, prior)) {
        plan_.values.resize(graph.nodes().size());
    }

    Plan run() {
        check_moved_types(graph_, prior_, diagnostics_);
        diagnostics_.throw_if_any();
        for (const NodeId id : graph_.order())
            selection_.has(graph_[id].address) && !held_.contains(graph_[id].address)
                ? plan_node(id)
                : leave(id);
        Diagnostics unreported; // in a partial plan, excluded resources have their recorded values,
                                // which may not fit the current spec
        plan_.outputs = graph_.outputs(values(), selection_.all() ? diagnostics_ : unreported);
        graph_.check_inputs(values(), selection_.all() ? diagnostics_ : unreported);
        if (selection_.all()) graph_.check_output_rules(values(), diagnostics_);
        claims_.check(diagnostics_);
        check_parts(graph_, plan_.values, diagnostics_);
        for (std::string& remark : claims_.remarks(graph_))
            plan_.notices.push_back(std::move(remark));
        if (evaluation_ != nullptr) add_look_alike_notices(plan_, evaluation_->look_alikes);
        for (Error& broken : graph_.broken_checks(values()))
            plan_.warnings.push_back(std::move(broken));
        check_imports(graph_, diagnostics_);
        refuse_removed_but_there(graph_, diagnostics_);
        refuse_moved_but_there(graph_, diagnostics_);
        std::set<std::string> begun; // complete what an earlier run began
        for (const Step& s : plan_.steps)
            if (s.create_first) begun.insert(generation_address(s.address, s.generation));
        const auto kept = [&](const std::string& address) {
            return graph_.find(address) || begun.contains(address) ||
                   (!selection_.has(address) && prior_.recorded.contains(address)) ||
                   used_by_held_.contains(resource_address(address));
        };
        diagnostics_.throw_if_any();
        note_moves(plan_, prior_);
        plan_.partial = !selection_.all();
        if (plan_.partial) plan_.notices.push_back(selection_.notice());
        if (makes_first(plan_))
            remove_and_order(with_old_generations(prior_, plan_, graph_.registry()), kept);
        else
            remove_and_order(prior_, kept);
        diagnostics_.throw_if_any();
        add_unmatched_removed_notices(plan_, prior_, graph_.spec());
        add_trigger_notices(plan_, graph_);
        warn_of_lacking(lacking_, graph_, plan_);
        return std::move(plan_);
    }

  private:
    void remove_and_order(const PriorState& prior,
                          const std::function<bool(const std::string&)>& kept) {
        const std::vector<Step>& halves = waits_.first_halves();
        plan_.steps.insert(plan_.steps.end(), halves.begin(), halves.end());
        add_removals(plan_, prior, graph_.registry(), kept, graph_.spec().removed, &claims_,
                     diagnostics_, &graph_);
        diagnostics_.throw_if_any();
        settle_old_generations(plan_, prior);
        shared_.leave_to_others(plan_, prior);
        refuse_removal_of_kept_contents(plan_, prior, graph_.registry(), &graph_, claims_, takings_,
                                        diagnostics_);
        if (evaluation_ != nullptr) add_take_overs(plan_, evaluation_->take_overs, takings_);
        order_steps(plan_, prior, &graph_, takings_, diagnostics_);
    }

    Graph::Values values() const {
        return [this](NodeId id) { return plan_.values[id]; };
    }

    /// Keeps the recorded values of a resource that is not selected, or whose turn is later.
    void leave(NodeId id) {
        waits_.inherit(id);
        const RecordedResource* recorded = records_[id];
        if (recorded != nullptr && recorded->type == graph_[id].type->name) {
            shared_.add(id, recorded->config);
            if (!held_.contains(recorded->address))
                taint_if_triggered(id, *recorded);
            else if (replace_.contains(recorded->address))
                taint(*recorded);
        }
        plan_.values[id] = recorded != nullptr ? recorded->attributes : Value::unknown();
        const auto seen = prior_.observed.find(graph_[id].address);
        if (graph_[id].type->data && seen != prior_.observed.end() &&
            seen->second.state == Observation::State::present)
            plan_.values[id] = seen->second.attributes;
    }

    /// Warns, because a later run would not know that a trigger changed in this run.
    void taint_if_triggered(NodeId id, const RecordedResource& recorded) {
        for (const auto& trigger : changes_.triggers_of(graph_[id], graph_)) {
            if (trigger.if_differs) continue;
            plan_.notices.push_back(
                fmt::format("{} is left out: the next run replaces it, because {}",
                            graph_[id].address, trigger.reason));
            return taint(recorded);
        }
    }

    void taint(RecordedResource recorded) {
        recorded.tainted = true;
        plan_.records.push_back(std::move(recorded));
    }

    void plan_node(NodeId id) {
        const Node& node = graph_[id];
        waits_.inherit(id);
        const Value config = config_of(id);
        if (config.is_null()) {
            plan_.values[id] = Value::unknown();
            return;
        }
        claims_.add(node, with_lifecycle(node, config, records_[id], nullptr));
        shared_.add(id, config);
        try {
            refuse_elsewhere(prior_.elsewhere, graph_.registry(), *node.type, config);
            node.type->data ? plan_data(id, config) : plan_with(id, config);
        } catch (Error& error) {
            if (error.address.empty()) error.address = node.address;
            if (!error.loc.known()) error.loc = node.block->loc;
            const auto seen = prior_.observed.find(node.address);
            if (seen != prior_.observed.end() && seen->second.state == Observation::State::failed)
                note_way_around(error, "skips it");
            diagnostics_.add(std::move(error));
            plan_.values[id] = complete(*node.type, config, {});
        }
    }

    /// Reuses the result of the evaluation if the dependencies have the same values.
    Value config_of(NodeId id) {
        const auto as_surveyed = [&](NodeId d) {
            return plan_.values[d].is_same(evaluation_->values[d]);
        };
        const std::vector<NodeId>& deps = graph_[id].deps;
        return evaluation_ != nullptr && !evaluation_->configs[id].is_null() &&
                       std::all_of(deps.begin(), deps.end(), as_surveyed)
                   ? evaluation_->configs[id]
                   : graph_.config(id, values(), diagnostics_);
    }

    /// A value that equals the value in the evaluation shares its storage: see config_of().
    void set_value(NodeId id, Value value) {
        const Value* taken_for = evaluation_ != nullptr ? &evaluation_->values[id] : nullptr;
        const bool as_surveyed = taken_for != nullptr && !value.contains_secret() &&
                                 !taken_for->contains_secret() && value == *taken_for;
        plan_.values[id] = as_surveyed ? *taken_for : std::move(value);
    }

    std::optional<Observation> look(const Node& node, const Value& config,
                                    const RecordedResource* recorded) const {
        return observation_of(prior_, graph_.registry(),
                              {node.address, node.type, read_config(*node.type, config, recorded),
                               recorded, recorded ? recorded->identity : ""});
    }

    void plan_with(NodeId id, const Value& wanted) {
        const Node& node = graph_[id];
        const RecordedResource* recorded = records_[id];
        const std::optional<Observation> seen = look(node, wanted, recorded);
        Value config = with_lifecycle(node, wanted, recorded, seen ? &*seen : nullptr);
        Step step{.address = node.address, .type = node.type, .node = id, .loc = node.block->loc};
        step.generation = recorded ? recorded->generation : 1;
        step.before = recorded ? recorded->attributes : Value();
        step.after = config;
        std::vector<Taking> takings = holders_.takings(node, config, recorded);
        if (evaluation_ != nullptr && !state_only(*node.type))
            if (const auto it = evaluation_->look_alikes.find(node.address);
                it != evaluation_->look_alikes.end()) // they may be the same object
                takings.push_back({0, it->second, "an object that looks the same"});
        Value known; // the values of computed attributes
        std::optional<Action> action = choose(step, recorded, seen, takings, known);
        if (recorded != nullptr)
            go_with_machine(step, *recorded, prior_, places_.down(id, config), action);
        if (action == Action::replace && takings.empty())
            check_new_place(prior_, node, config, plan_.warnings, diagnostics_);
        if (action == Action::create || action == Action::replace) {
            step.after = config = with_lifecycle_of_new(node, config);
            check_making(node, config, diagnostics_);
            note_lacking(id, config, seen);
        }
        if (recorded != nullptr && recorded->type == node.type->name && !known.is_null())
            for (const std::string& name : known_after_apply(*node.type, config, recorded->config))
                known = known.without(name);
        if (!action && add_open_options(step)) action = Action::update;
        refuse_protected(step, recorded, action);
        number(step, recorded, action);
        set_value(id, with_machine(*node.type, node.address, complete(*node.type, config, known)));
        if (!step.read_first) check_postconditions(id, !action && recorded != nullptr);
        places_.note(id, config, action, step.restarts);
        if (action && action != Action::adopt) add_warnings(node, config, plan_.warnings);
        if (action == Action::replace || recorded == nullptr)
            add_remark(node, config, seen && action != Action::replace ? seen->attributes : Value(),
                       plan_.notices);
        // a completed interrupted change must still be recorded as completed
        if (!action && prior_.interrupted.contains(node.address)) action = Action::adopt;
        if (!action) {
            if (recorded != nullptr) renew_record(id, config, *recorded);
            return;
        }
        const std::string begun = generation_address(node.address, step.generation);
        for (const Taking& t : takings) // not from a generation that was begun: it is completed
            if (!step.create_first || t.from != begun)
                takings_.push_back({static_cast<StepId>(plan_.steps.size()), t.from, t.what});
        add(id, *action, std::move(step));
    }

    /// Chooses the action of a step. Sets the reason of the step, and the known values of computed
    /// attributes.
    std::optional<Action> choose(Step& step, const RecordedResource* recorded,
                                 const std::optional<Observation>& seen,
                                 const std::vector<Taking>& takings, Value& known) {
        const Node& node = graph_[*step.node];
        const Import* import = recorded == nullptr ? graph_.import_of(node.address) : nullptr;
        if (recorded != nullptr && recorded->type != node.type->name) {
            step.reason = fmt::format("it was a {}", recorded->type);
            return Action::replace;
        }
        const bool fresh = places_.is_fresh(node, step.after, recorded);
        const bool unreadable = !seen || seen->state == Observation::State::blocked;
        if (import && (fresh || unreadable)) throw import_too_early(*import);
        if (fresh) {
            step.read_first = true;
            return Action::create;
        }
        if (recorded == nullptr && !takings.empty()) { // another resource's object is still there
            step.read_first = true;
            step.takes_over = true;
            step.reason =
                fmt::format("after {} has released {}", takings.front().from, takings.front().what);
            return Action::create;
        }
        if (unreadable) return choose_unread(step, recorded, seen, known);
        Decision d = import ? decide_import(*node.type, step.after, *seen, *import)
                            : decide(*node.type, step.after, recorded,
                                     interruption_of(prior_, node.address), *seen);
        step.changes = std::move(d.changes);
        step.reason = std::move(d.reason);
        step.verb = std::move(d.verb);
        std::optional<Action> action = d.action;
        if (action == Action::replace) step.if_differs = d.if_differs;
        if (recorded && (!action || action == Action::update || step.if_differs))
            trigger(node, step, action);
        step.before = step.before.with_all(seen->attributes);
        if (action != Action::create && action != Action::replace) known = step.before;
        if (action == Action::update)
            for (const Attribute& a : node.type->schema)
                if (a.changes_on_update) known = known.without(a.name);
        const bool gone = seen->state == Observation::State::absent;
        if (gone && recorded != nullptr && !prior_.unfinished.contains(node.address)) {
            if (is_begun(*node.type, step.after, *recorded, prior_)) {
                step.reason = "an earlier run began to replace it";
                return Action::replace;
            }
            remade_.insert(*step.node);
        }
        return action;
    }

    /// Chooses the action of a step whose object cannot be read before apply.
    Action choose_unread(Step& step, const RecordedResource* recorded,
                         const std::optional<Observation>& seen, Value& known) const {
        step.read_first = true;
        if (recorded == nullptr) return Action::create;
        Decision d = decide_unread(*step.type, step.after, *recorded);
        if (replace_.contains(step.address)) d = {Action::replace, {}, std::string(kAskedFor), {}};
        if (d.action) {
            step.changes = std::move(d.changes);
            step.reason = std::move(d.reason);
            step.if_differs = d.if_differs;
            return *d.action;
        }
        step.reason = read_later_reason(seen);
        known = recorded->attributes;
        return Action::read;
    }

    /// Records a missing prerequisite, unless an earlier step could create it.
    void note_lacking(NodeId id, const Value& config, const std::optional<Observation>& seen) {
        if (!seen || !waits_.of(id).empty()) return;
        if (auto lacking = lacking_of(id, *graph_[id].type, config, *seen))
            lacking_.push_back(std::move(*lacking));
    }

    /// Reports a condition that an unchanged object does not meet, which every plan would report.
    void check_postconditions(NodeId id, bool unchanged) {
        Diagnostics found;
        graph_.check_postconditions(id, values(), found);
        for (Error error : found.list()) {
            if (unchanged && error.hint.empty())
                error.hint = fmt::format("if a new object would satisfy it, use --replace {}",
                                         shell_word(error.address));
            diagnostics_.add(std::move(error));
        }
    }

    void refuse_protected(const Step& step, const RecordedResource* recorded,
                          std::optional<Action> action) const {
        if (recorded == nullptr || !step.after.flag(kPreventDestroy)) return;
        if (action == Action::replace && !step.if_differs) // otherwise apply reports the error
            throw protected_error(step.address, "would be replaced: " + step.reason, step.loc);
        if (places_.are_replaced(recorded->config))
            throw protected_error(step.address, "would be removed with its machine", step.loc);
    }

    /// Sets the generation that the step creates, and its identity.
    void number(Step& step, const RecordedResource* recorded, std::optional<Action> action) {
        const Node& node = graph_[*step.node];
        if (recorded == nullptr) {
            step.identity = imported_id(graph_, step.address);
            if (step.identity.empty()) step.generation = fresh_.next(step.address);
        } else if (action == Action::replace) {
            // only the former type can remove the object, so the removal is a separate step
            step.create_first = node.create_first || recorded->type != node.type->name ||
                                step.after.flag(kKeepOnDestroy) ||
                                is_begun(*node.type, step.after, *recorded, prior_) ||
                                places_.are_removed(step, *recorded, selection_);
            if (step.create_first)
                refuse_shared_names(graph_, node, step.after, *recorded, step.before);
            step.generation =
                step.create_first
                    ? next_generation(*node.type, step.after, *recorded, prior_, fresh_)
                    : fresh_.next(step.address, recorded->generation + 1);
        } else if (remade_.contains(*step.node)) {
            step.generation = fresh_.next(step.address, recorded->generation + 1);
        } else {
            step.identity = recorded->identity;
        }
        if (step.identity.empty())
            step.identity = identity_of(prior_.lineage, step.address, step.generation);
    }

    /// Uses the observation of a data source if it was read with this config. If the data source
    /// could not be read, or can change with the steps that it waits for, it is read in apply.
    void plan_data(NodeId id, const Value& config) {
        const Node& node = graph_[id];
        const auto seen = prior_.observed.find(node.address);
        const bool read = seen != prior_.observed.end() &&
                          read_with(*node.type, config, seen->second) &&
                          seen->second.state != Observation::State::blocked;
        const std::string why = read_later(node, config);
        const bool there = read && seen->second.state == Observation::State::present;
        if (why.empty() && there) {
            set_value(id, complete(*node.type, config, seen->second.attributes));
            graph_.check_postconditions(id, values(), diagnostics_);
            return;
        }
        // the error can still disappear with the steps that are planned before
        if (why.empty() && read && waits_.of(id).empty())
            throw data_error(node.address, seen->second);
        plan_.values[id] = complete(*node.type, config, {});
        Step step{.address = node.address, .type = node.type, .node = id, .loc = node.block->loc};
        step.after = config;
        step.reason = !why.empty() ? why
                      : read       ? data_error(node.address, seen->second).message
                                   : "";
        step.read_first = true;
        add(id, Action::read, std::move(step));
    }

    /// The reason why a data source cannot be read before apply; "" if it can.
    std::string read_later(const Node& node, const Value& config) const {
        for (const Attribute& a : node.type->schema)
            if (!a.computed && config[a.name].contains_unknown())
                return fmt::format("{} is known only after apply", a.name);
        for (const NodeId d : node.deps) // the result can change with these steps
            if (changes_.touches(d))
                return fmt::format("{} must be applied first", graph_[d].address);
        return {};
    }

    /// Replaces the resource if a trigger or --replace requires it.
    void trigger(const Node& node, Step& step, std::optional<Action>& action) const {
        const auto replace = [&](std::string reason, bool if_differs) {
            // a definite reason takes precedence
            if (action == Action::replace && !step.if_differs) return;
            if (action == Action::replace && if_differs) return;
            action = Action::replace;
            step.reason = std::move(reason);
            step.verb.clear();
            step.if_differs = if_differs;
        };
        if (replace_.contains(node.address)) replace(std::string(kAskedFor), false);
        const auto* around = emptied_.around(node, *records_[*step.node]);
        if (around != nullptr && around->has_room_for(node.type->claims(step.after)))
            replace(fmt::format("{}, which contains it, is replaced", around->address),
                    around->if_differs);
        for (const auto& t : changes_.triggers_of(node, graph_)) replace(t.reason, t.if_differs);
    }

    void renew_record(NodeId id, const Value& config, const RecordedResource& recorded) {
        std::vector<std::string> deps = graph_.dependencies(id);
        if (says_the_same(*graph_[id].type, recorded.config, config) && recorded.depends_on == deps)
            return;
        RecordedResource fresh = recorded;
        fresh.config = config;
        fresh.attributes = plan_.values[id];
        fresh.depends_on = std::move(deps);
        plan_.records.push_back(std::move(fresh));
    }

    void add(NodeId id, Action action, Step step) {
        step.action = action;
        step.after_steps.assign(waits_.of(id).begin(), waits_.of(id).end());
        if (action == Action::replace && !step.create_first && !state_only(*step.type))
            emptied_.add(waits_.add_first_half(id, step, *records_[id]), step.after);
        changes_.add(id, action, may_turn_out_the_same(step));
        if (records_[id] != nullptr && changes_.must_note(step, *records_[id], graph_))
            taint(*records_[id]);
        step.releases = action == Action::update && step.type->releases(step.before, step.after);
        if (!step.releases) waits_.set(id, static_cast<StepId>(plan_.steps.size()));
        plan_.steps.push_back(std::move(step));
    }

    bool state_only(const ResourceType& type) const {
        return graph_.registry().provider(type.provider)->state_only;
    }

    const Graph& graph_;
    const PriorState& prior_;
    const Evaluation* evaluation_; ///< can be nullptr
    const Selection selection_;
    const std::vector<const RecordedResource*> records_; ///< by node
    const std::set<std::string> replace_;                ///< addresses
    Plan plan_;
    Diagnostics diagnostics_;
    PlannedChanges changes_;
    Places places_;
    Claims claims_;
    NewGenerations fresh_;
    std::set<NodeId> remade_; ///< nodes whose objects are gone and created again
    SharedThings shared_;
    Holders holders_;
    std::vector<Taking> takings_;
    Waits waits_;
    std::vector<Lacking> lacking_;
    EmptiedObjects emptied_;
    const std::set<std::string> held_;         ///< machines that take their turn later
    const std::set<std::string> used_by_held_; ///< resources that they use until then
};

} // namespace

Plan plan_once(const Graph& graph, const PriorState& prior, const ProviderSettings& settings,
               const PlanOptions& options, const Evaluation* evaluation,
               std::set<std::string> held) {
    return Planner(graph, prior, settings, options, evaluation, std::move(held)).run();
}

} // namespace hadeploy
