#include "planner/plan.h"

#include "core/trace.h"
#include "core/uuid.h"
#include "planner/address.h"
#include "planner/claims.h"
#include "planner/generations.h"
#include "planner/import.h"
#include "planner/lifecycle.h"
#include "planner/moved_types.h"
#include "planner/moves.h"
#include "planner/refresh.h"
#include "planner/seen.h"
#include "planner/selection.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

/// How the machine that a resource lives on will be found by apply.
enum class MachineState { up, starting, fresh };

constexpr std::string_view kAskedFor = "asked for with --replace";

/// Plans the nodes of a graph, dependencies first.
class Planner {
  public:
    Planner(const Graph& graph, const World& world, const ProviderSettings& settings,
            const PlanOptions& options, const Survey* survey)
        : graph_(graph), world_(world), settings_(settings), survey_(survey),
          selection_(options, &graph, world), records_(records_of(graph, world.recorded)),
          replace_(options.replace.begin(), options.replace.end()) {
        plan_.values.resize(graph.nodes().size());
        waits_for_.resize(graph.nodes().size());
    }

    Plan run() {
        check_moved_types(graph_, world_, problems_);
        check_replace();
        for (const NodeId id : graph_.order())
            selection_.has(graph_[id].address) ? plan_node(id) : leave(id);
        Problems untold; // of a partial plan: what is left out is as it was recorded, and may lack
                         // what the spec says of it by now
        plan_.outputs = graph_.outputs(values(), selection_.all() ? problems_ : untold);
        if (selection_.all()) graph_.check_output_rules(values(), problems_);
        claims_.check(problems_);
        plan_.notices = claims_.remarks();
        plan_.warnings = graph_.broken_checks(values());
        check_imports(graph_, problems_);
        refuse_removed_but_there();
        refuse_moved_but_there();
        std::set<std::string> begun; // what an earlier run has begun is gone on with
        for (const Step& s : plan_.steps)
            if (s.create_first) begun.insert(generation_address(s.address, s.generation));
        const auto kept = [&](const std::string& address) {
            return graph_.find(address) || begun.contains(address) ||
                   (!selection_.has(address) && world_.recorded.contains(address));
        };
        problems_.throw_if_any();
        note_moves();
        plan_.partial = !selection_.all();
        if (plan_.partial) plan_.notices.push_back(selection_.notice());
        const auto remove_from = [&](const World& world) {
            add_removals(plan_, world, graph_.registry(), kept, graph_.spec().removed, problems_,
                         &graph_);
        };
        if (makes_first(plan_))
            remove_from(with_old_generations(world_, plan_, graph_.registry()));
        else
            remove_from(world_);
        problems_.throw_if_any();
        return std::move(plan_);
    }

  private:
    Graph::Values values() const {
        return [this](NodeId id) { return plan_.values[id]; };
    }

    /// --replace has to name single resources of the spec, or it would do nothing, unnoticed.
    void check_replace() {
        std::vector<std::string> all;
        for (const std::string& address : replace_) {
            const auto node = graph_.find(address);
            const std::string_view wrong = !node                      ? ""
                                           : graph_[*node].type->data ? "it is only read"
                                           : !selection_.has(address) ? "no --target takes it in"
                                                                      : "";
            if (!wrong.empty()) {
                Error& error = problems_.add(
                    Error(ErrorKind::usage, fmt::format("--replace {}: {}", address, wrong)));
                if (!graph_[*node].type->data)
                    error.hint = fmt::format("name it there too: --target '{}'", address);
            }
            if (node) continue;
            if (all.empty())
                for (const Node& n : graph_.nodes()) all.push_back(n.address);
            problems_.add(unknown_address(
                fmt::format("--replace {}: the spec has no such single resource", address), address,
                all, "`hadeploy graph` shows all addresses"));
        }
        problems_.throw_if_any();
    }

    /// What no target takes in is as recorded.
    void leave(NodeId id) {
        inherit_waits(id);
        const Recorded* recorded = records_[id];
        plan_.values[id] = recorded != nullptr ? recorded->attributes : Value::unknown();
        const auto seen = world_.observed.find(graph_[id].address);
        if (graph_[id].type->data && seen != world_.observed.end() &&
            seen->second.state == Observation::State::present)
            plan_.values[id] = seen->second.attributes;
    }

    void plan_node(NodeId id) {
        const Node& node = graph_[id];
        inherit_waits(id);
        const Value config = config_of(id);
        if (config.is_null()) {
            plan_.values[id] = Value::unknown();
            return;
        }
        claims_.add(node, config);
        try {
            if (node.type->data)
                plan_data(id, config);
            else
                plan_with(id, config);
        } catch (Error& error) {
            if (error.address.empty()) error.address = node.address;
            if (!error.loc.known()) error.loc = node.block->loc;
            problems_.add(std::move(error));
            plan_.values[id] = complete(*node.type, config, {});
        }
    }

    /// As the survey has it, where all that it follows from is what it was taken for there.
    Value config_of(NodeId id) {
        const auto as_surveyed = [&](NodeId d) {
            return plan_.values[d].is_same(survey_->values[d]);
        };
        const std::vector<NodeId>& deps = graph_[id].deps;
        const bool known = survey_ != nullptr && std::all_of(deps.begin(), deps.end(), as_surveyed);
        return known ? survey_->configs[id] : graph_.config(id, values(), problems_);
    }

    /// What is as it was taken for shares all with that: see config_of().
    void set_value(NodeId id, Value value) {
        const Value* taken_for = survey_ != nullptr ? &survey_->values[id] : nullptr;
        const bool as_surveyed = taken_for != nullptr && !value.contains_secret() &&
                                 !taken_for->contains_secret() && value == *taken_for;
        if (as_surveyed)
            plan_.values[id] = *taken_for;
        else
            plan_.values[id] = std::move(value);
    }

    std::optional<Observation> look(const Node& node, const Value& config,
                                    const Recorded* recorded) const {
        return seen_of(world_, graph_.registry(),
                       {node.address, node.type, read_config(*node.type, config, recorded),
                        recorded, recorded ? recorded->identity : ""});
    }

    void plan_with(NodeId id, const Value& wanted) {
        const Node& node = graph_[id];
        const Recorded* recorded = records_[id];
        const std::optional<Observation> seen = look(node, wanted, recorded);
        Value config = with_lifecycle(node, wanted, recorded, seen ? &*seen : nullptr);
        Step step{.address = node.address, .type = node.type, .node = id, .loc = node.block->loc};
        step.generation = recorded ? recorded->generation : 1;
        step.before = recorded ? recorded->attributes : Value();
        step.after = config;

        std::optional<Action> action;
        Value known; // of the computed attributes
        const Import* import = recorded == nullptr ? graph_.import_of(node.address) : nullptr;
        const bool imports = import != nullptr;
        if (recorded != nullptr && recorded->type != node.type->name) {
            action = Action::replace;
            step.reason = fmt::format("it was a {}", recorded->type);
        } else if (machine_state(node, config) == MachineState::fresh) {
            if (imports) throw import_too_early(*import);
            action = Action::create;
            step.read_first = true;
        } else if (!seen || seen->state == Observation::State::blocked) {
            if (imports) throw import_too_early(*import);
            action = recorded ? Action::read : Action::create;
            step.read_first = true;
            step.reason = recorded ? later(seen) : "";
            if (recorded != nullptr) known = recorded->attributes;
            if (recorded != nullptr && replace_.contains(node.address)) {
                action = Action::replace;
                step.reason = std::string(kAskedFor);
                known = {};
            }
        } else {
            Decision d = imports ? decide_import(*node.type, config, *seen, *import)
                                 : decide(*node.type, config, recorded,
                                          world_.unfinished.contains(node.address), *seen);
            action = d.action;
            step.changes = std::move(d.changes);
            step.reason = std::move(d.reason);
            step.verb = std::move(d.verb);
            if (const std::string cause = trigger(node);
                recorded && !cause.empty() && (!action || action == Action::update)) {
                action = Action::replace;
                step.reason = cause;
                step.verb.clear();
            }
            step.before = step.before.with_all(seen->attributes);
            if (action != Action::create && action != Action::replace) known = step.before;
            if (action == Action::update)
                for (const Attribute& a : node.type->schema)
                    if (a.renewed) known = known.without(a.name);
        }
        if (action == Action::create || action == Action::replace)
            step.after = config = with_lifecycle_of_new(node, config);
        if (recorded != nullptr && recorded->type == node.type->name && !known.is_null())
            for (const std::string& name : told_later(*node.type, config, recorded->config))
                known = known.without(name);
        if (recorded != nullptr && config.flag(kPreventDestroy)) {
            if (action == Action::replace)
                throw protected_error(node.address, "would be replaced: " + step.reason, step.loc);
            if (goes_with_machine(*recorded))
                throw protected_error(node.address, "would go with its machine", step.loc);
        }
        if (action == Action::replace) {
            // what was of another type can be removed by that alone: it goes by a step of its own
            step.create_first = node.create_first || recorded->type != node.type->name ||
                                config.flag(kKeepOnDestroy);
            if (step.create_first) refuse_shared_names(graph_, node, config, *recorded);
            step.generation = step.create_first
                                  ? next_generation(*node.type, config, *recorded, world_)
                                  : recorded->generation + 1;
        }
        step.identity = recorded == nullptr ? new_identity(graph_, world_, node.address)
                        : action == Action::replace
                            ? identity_of(world_.lineage, node.address, step.generation)
                            : recorded->identity;
        set_value(id, with_machine(*node.type, node.address, complete(*node.type, config, known)));
        if (!step.read_first) graph_.check_postconditions(id, values(), problems_);
        note_machine(node, action);
        // an interrupted change that turns out to be complete still has to be noted as such
        if (!action && world_.interrupted.contains(node.address)) action = Action::adopt;
        if (action)
            add(id, *action, std::move(step));
        else if (recorded != nullptr)
            renew_record(id, config, *recorded);
    }

    /// What was read with just this config is used; what could not be read, or may be another one
    /// once what it waits for is done, is read then.
    void plan_data(NodeId id, const Value& config) {
        const Node& node = graph_[id];
        const auto seen = world_.observed.find(node.address);
        const bool read = seen != world_.observed.end() &&
                          read_with(*node.type, config, seen->second) &&
                          seen->second.state != Observation::State::blocked;
        const std::string why = read_later(node, config);
        const bool there = read && seen->second.state == Observation::State::present;
        if (why.empty() && there) {
            set_value(id, complete(*node.type, config, seen->second.attributes));
            graph_.check_postconditions(id, values(), problems_);
            return;
        }
        // with something before it under way, what went wrong may pass
        if (why.empty() && read && waits_for_[id].empty())
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

    /// Why a data source can't be read before apply; "" when it can.
    std::string read_later(const Node& node, const Value& config) const {
        for (const Attribute& a : node.type->schema)
            if (!a.computed && config[a.name].contains_unknown())
                return fmt::format("{} is known only after apply", a.name);
        for (const NodeId d : node.awaited) {
            const auto it = actions_.find(d);
            if (it != actions_.end() && it->second != Action::adopt)
                return fmt::format("{} comes first", graph_[d].address);
        }
        return {};
    }

    /// Why the resource is to be replaced because of others; "" when it is not.
    std::string trigger(const Node& node) const {
        if (replace_.contains(node.address)) return std::string(kAskedFor);
        for (const NodeId t : node.triggers) {
            const auto it = actions_.find(t);
            if (it == actions_.end() || it->second == Action::adopt || it->second == Action::read)
                continue;
            return fmt::format("{} is {}d", graph_[t].address, action_name(it->second));
        }
        return {};
    }

    /// Whether all machines that it is on are replaced in this plan.
    bool goes_with_machine(const Recorded& r) const {
        const std::set<std::string> machines = machines_in(r.config);
        return !machines.empty() &&
               std::all_of(machines.begin(), machines.end(), [&](const std::string& m) {
                   const auto id = graph_.find(m);
                   if (!id || !graph_[*id].type->hosts_die) return false;
                   const auto it = actions_.find(*id);
                   return it != actions_.end() && it->second == Action::replace;
               });
    }

    /// What was moved is recorded under its new name before anything else is done.
    void note_moves() {
        if (world_.moved.empty()) return;
        std::vector<Recorded> all; // a move of a machine changes what its resources refer to
        for (const auto& [address, r] : world_.recorded)
            if (!world_.unfinished.contains(address)) all.push_back(r);
        plan_.records.insert(plan_.records.begin(), all.begin(), all.end());
        for (const auto& [from, to] : world_.moved) {
            plan_.renamed.push_back(from);
            plan_.notices.push_back(fmt::format("{} is now called {}", from, to));
        }
    }

    void refuse_moved_but_there() {
        for (const Move& m : graph_.spec().moved)
            for (const Node& n : graph_.nodes()) {
                if (!is_moved(m, n.address)) continue;
                problems_.add(fmt::format("moved: the spec still has {}", n.address), m.loc)
                    .with_note("here", n.block->loc)
                    .hint = "take out the move, or the block of the old name";
                break;
            }
    }

    void refuse_removed_but_there() {
        for (const Dependency& r : graph_.spec().removed)
            for (const Node& n : graph_.nodes())
                if (within(n.address, r.name)) {
                    problems_.add(fmt::format("removed: the spec still has {}", n.address), r.loc)
                        .with_note("here", n.block->loc)
                        .hint = "take out the entry, or the block";
                    break;
                }
    }

    void renew_record(NodeId id, const Value& config, const Recorded& recorded) {
        std::vector<std::string> deps = graph_.dependencies(id);
        if (says_the_same(*graph_[id].type, recorded.config, config) && recorded.depends_on == deps)
            return;
        Recorded fresh = recorded;
        fresh.config = config;
        fresh.attributes = plan_.values[id];
        fresh.depends_on = std::move(deps);
        plan_.records.push_back(std::move(fresh));
    }

    /// Whether two configs are equal, but for what is computed and in neither known beforehand.
    static bool says_the_same(const ResourceType& type, Value before, Value now) {
        for (const Attribute& a : type.schema) {
            if (!a.computed || !now[a.name].contains_unknown()) continue;
            before = before.without(a.name);
            now = now.without(a.name);
        }
        return before == now;
    }

    static std::string later(const std::optional<Observation>& seen) {
        const std::string then = ", and repaired if it differs";
        if (!seen) return "read after the start" + then;
        const std::string why = seen->error ? seen->error->message : "not readable";
        return fmt::format("{}: read once that is mended{}", why, then);
    }

    void add(NodeId id, Action action, Step step) {
        step.action = action;
        actions_[id] = action;
        step.after_steps.assign(waits_for_[id].begin(), waits_for_[id].end());
        waits_for_[id] = {static_cast<StepId>(plan_.steps.size())};
        plan_.steps.push_back(std::move(step));
    }

    /// A node without a step of its own hands on the steps that it would have waited for.
    void inherit_waits(NodeId id) {
        std::set<StepId> all;
        for (const NodeId d : graph_[id].deps)
            all.insert(waits_for_[d].begin(), waits_for_[d].end());
        waits_for_[id] = std::move(all);
    }

    /// Of the best of the machines that the resource can be reached through.
    MachineState machine_state(const Node& node, const Value& config) const {
        const ProviderKind& kind = *graph_.registry().kind(node.type->provider);
        const auto candidates = kind.endpoints(*node.type, config, settings_.at(kind.name));
        if (candidates.empty()) return MachineState::fresh;
        MachineState best = MachineState::fresh;
        for (const Endpoint& e : candidates) {
            if (e.machine.empty() || e.machine == node.address) return MachineState::up;
            const auto it = machines_.find(e.machine);
            const MachineState state = it == machines_.end() ? MachineState::up : it->second;
            best = std::min(best, state);
        }
        return best;
    }

    void note_machine(const Node& node, std::optional<Action> action) {
        if (!node.type->machine) return;
        MachineState state = MachineState::up;
        if (action == Action::create || action == Action::replace)
            state = MachineState::fresh;
        else if (!machine_is_up(world_, node.address))
            state = MachineState::starting;
        machines_[node.address] = state;
    }

    const Graph& graph_;
    const World& world_;
    const ProviderSettings& settings_;
    const Survey* survey_; ///< may be none
    const Selection selection_;
    const std::vector<const Recorded*> records_; ///< by node
    const std::set<std::string> replace_;        ///< addresses
    Plan plan_;
    Problems problems_;
    std::vector<std::set<StepId>> waits_for_; ///< by node
    std::map<NodeId, Action> actions_;        ///< of the steps so far
    std::map<std::string, MachineState> machines_;
    Claims claims_;
};

} // namespace

std::string_view action_name(Action action) {
    switch (action) {
    case Action::adopt: return "adopt";
    case Action::create: return "create";
    case Action::update: return "update";
    case Action::replace: return "replace";
    case Action::read: return "read";
    case Action::remove: return "remove";
    case Action::forget: return "forget";
    case Action::refresh: return "refresh";
    }
    return "";
}

std::size_t Plan::count(Action action) const {
    return static_cast<std::size_t>(std::count_if(
        steps.begin(), steps.end(), [&](const Step& s) { return s.action == action; }));
}

std::string identity_of(const std::string& lineage, const std::string& address,
                        std::int64_t generation) {
    return uuid_v5(lineage, fmt::format("{}#{}", address, generation));
}

bool machine_is_up(const World& world, const std::string& address) {
    if (world.unfinished.contains(address)) return false;
    const auto it = world.observed.find(address);
    return it != world.observed.end() && it->second.state == Observation::State::present &&
           it->second.foreign.empty() && it->second.attributes.flag("running", true);
}

Plan make_plan(const Graph& graph, const World& world, const ProviderSettings& settings,
               const PlanOptions& options, const Survey* survey) {
    const Span span("plan");
    Plan plan = Planner(graph, world, settings, options, survey).run();
    note_resumed(plan, world);
    return plan;
}

} // namespace hadeploy
