#include "planner/plan/removal.h"

#include "planner/graph/claims.h"
#include "planner/graph/computed.h"
#include "planner/graph/early.h"
#include "planner/plan/contents.h"
#include "planner/plan/data_loss.h"
#include "planner/plan/elsewhere.h"
#include "planner/plan/generations.h"
#include "planner/plan/interrupted.h"
#include "planner/plan/lifecycle.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/selection.h"
#include "planner/plan/step_order.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace hadeploy {

namespace {

/// Plans the removal of recorded resources that the spec no longer has. A resource that exists only
/// on machines that the same plan removes disappears with them. If machines that stay depend on its
/// proper removal (it has connections to them), it is removed before its machine.
class Remover {
  public:
    Remover(Plan& plan, const PriorState& prior, const Registry& registry,
            const std::function<bool(const std::string&)>& kept,
            const std::vector<Dependency>& let_go, const Claims* claims, Diagnostics& diagnostics,
            const Graph* graph)
        : plan_(plan), prior_(prior), registry_(registry), kept_(kept), let_go_(let_go),
          claims_(claims), diagnostics_(diagnostics), graph_(graph) {}

    void run() {
        find_ending();
        std::erase_if(plan_.steps, [&](const Step& s) { // they disappear with their machines
            return s.first_half && removed_unreached(prior_.recorded.at(s.address), *s.type);
        });
        for (const auto& [address, r] : prior_.recorded)
            if (!kept_(address)) plan_.steps.push_back(plan_removal(r));
    }

  private:
    void find_ending() {
        for (const auto& [address, r] : prior_.recorded) {
            const ResourceType* type = registry_.type(r.type);
            if (type == nullptr || !type->machine || !type->removal_ends_machine) continue;
            const bool ends = !kept_(address) && !is_let_go(address) && !leaving_of(r, graph_).kept;
            if (ends || observed_gone(prior_, address)) ending_.insert(address);
        }
        for (const Step& s :
             plan_.steps) { // a newly created machine has nothing on it, regardless of the records
            const bool fresh =
                s.action == Action::create || (s.action == Action::replace && !s.if_differs);
            if (s.type->machine && s.type->removal_ends_machine && fresh) ending_.insert(s.address);
        }
    }

    bool is_let_go(const std::string& address) const {
        return std::any_of(let_go_.begin(), let_go_.end(),
                           [&](const Dependency& d) { return within(address, d.name); });
    }

    bool removed_with_machines(const RecordedResource& r, const ResourceType& type) const {
        const std::set<std::string> machines = machines_in(r.config);
        return !machines.empty() && !type.machine &&
               std::all_of(machines.begin(), machines.end(),
                           [&](const std::string& m) { return ending_.contains(m) || is_lost(m); });
    }

    /// Whether a machine is neither in the state nor in the spec: a run that removed it was killed
    /// before it forgot what was on the machine. A machine that outlives its record (ssh.host) may
    /// not have been recorded yet, because a resource on it was imported first.
    bool is_lost(const std::string& machine) const {
        if (machine.empty() || prior_.recorded.contains(machine) || kept_(machine)) return false;
        const auto node = graph_ == nullptr ? std::nullopt : graph_->find(machine);
        return !node || (*graph_)[*node].type->removal_ends_machine;
    }

    /// The resource disappears with its machines too if none of them can be reached any more.
    bool removed_unreached(const RecordedResource& r, const ResourceType& type) const {
        const std::set<std::string> machines = machines_in(r.config);
        return removed_with_machines(r, type) &&
               std::none_of(machines.begin(), machines.end(),
                            [&](const std::string& m) { return machine_is_up(prior_, m); });
    }

    Step plan_removal(const RecordedResource& r) {
        Step step{.address = r.address, .action = Action::remove};
        step.type = registry_.type(r.type);
        step.generation = r.generation;
        step.identity = r.identity;
        step.before = r.attributes;
        if (!plan_.destroy) step.reason = reason(r);
        if (step.type == nullptr) {
            Error error(ErrorKind::state,
                        fmt::format("the state has a resource of the type \"{}\", "
                                    "which this version of hadeploy does not support",
                                    r.type));
            error.address = r.address;
            diagnostics_.add(std::move(error).with_hint(fmt::format(
                "use the version of hadeploy that created it, or skip it with --exclude {}",
                shell_word(resource_address(r.address)))));
            return step;
        }
        if (is_let_go(r.address)) {
            step.action = Action::forget;
            step.reason = "`removed:` lists it; the object is kept";
            return step;
        }
        if (const Node* other = same_object(*step.type, r)) {
            step.action = Action::forget;
            step.reason = fmt::format("{} manages the same object", other->address);
            return step;
        }
        const Leaving leaving = leaving_of(r, graph_);
        const bool with_machines = removed_with_machines(r, *step.type);
        const bool stays = leaving.kept && !with_machines;
        if (leaving.prevented && !stays && !observed_gone(prior_, r.address))
            diagnostics_.add(protected_error(r.address, "would be destroyed", leaving.loc))
                .with_note("`removed:` removes it from the state without destroying it");
        if (with_machines) {
            const std::set<std::string> machines = machines_in(r.config);
            step.action = Action::forget;
            const auto lost = std::find_if(machines.begin(), machines.end(),
                                           [&](const std::string& m) { return is_lost(m); });
            step.reason =
                lost != machines.end()
                    ? fmt::format("its machine {} is not in the state, so it cannot be "
                                  "reached; if the machine exists, the object stays there",
                                  *lost)
                : machines.size() == 1 ? fmt::format("removed with {}", *machines.begin())
                                       : "removed with its machines";
            return step;
        }
        if (stays && !observed_gone(prior_, r.address)) {
            step.action = Action::forget;
            step.keeps = true;
            step.reason = "keep_on_destroy: the object is kept";
            return step;
        }
        look(r, step);
        return step;
    }

    /// The resource of the spec that manages the object of this record under a different record.
    const Node* same_object(const ResourceType& type, const RecordedResource& r) const {
        if (claims_ == nullptr) return nullptr;
        const std::vector<std::string> names = type.claims(r.config);
        const Node* node = names.empty() ? nullptr : claims_->owner(names.front());
        if (node == nullptr || node->type->name != r.type) return nullptr;
        const auto own = prior_.recorded.find(node->address);
        if (own == prior_.recorded.end() || own->second.type != r.type) return nullptr;
        const std::vector<std::string> there = type.claims(own->second.config);
        return !there.empty() && there.front() == names.front() ? node : nullptr;
    }

    /// The reason for the removal.
    std::string reason(const RecordedResource& r) const {
        const std::string resource = resource_address(r.address);
        if (resource == r.address || !kept_(resource)) return "the spec no longer has it";
        if (prior_.unfinished.contains(r.address))
            return "an earlier run began it as a replacement that is no longer needed";
        const bool aside = std::any_of(prior_.moved.begin(), prior_.moved.end(),
                                       [&](const auto& move) { return move.second == r.address; });
        return aside ? fmt::format("the spec no longer has it; {} is now a different object",
                                   resource)
                     : fmt::format("replaced by a new {}", resource);
    }

    void look(const RecordedResource& r, Step& step) {
        const auto seen = prior_.observed.find(r.address);
        if (seen == prior_.observed.end() || seen->second.state == Observation::State::blocked) {
            step.read_first = true;
            return;
        }
        const Observation& o = seen->second;
        if (o.state == Observation::State::failed) {
            Error error = o.error.value_or(Error(ErrorKind::failed, "could not be read"));
            error.address = r.address;
            if (error.kind == ErrorKind::conflict && !plan_.destroy)
                error.hint =
                    "move the object away, or list the resource under `removed:` to leave it alone";
            note_way_around(error, plan_.destroy ? "removes the rest" : "skips it");
            diagnostics_.add(std::move(error));
        } else if (o.state == Observation::State::absent) {
            step.action = Action::forget;
            step.reason = "it is already gone";
        } else if (!o.foreign.empty()) {
            step.action = Action::forget;
            step.reason = "the object there now belongs to somebody else: " + o.foreign;
        } else {
            step.before = step.before.with_all(o.attributes);
        }
    }

    Plan& plan_;
    const PriorState& prior_;
    const Registry& registry_;
    const std::function<bool(const std::string&)>& kept_;
    const std::vector<Dependency>& let_go_;
    const Claims* claims_; ///< of the spec; can be nullptr
    Diagnostics& diagnostics_;
    const Graph* graph_;
    std::set<std::string> ending_; ///< machines that this plan removes, or that are gone
};

} // namespace

void add_removals(Plan& plan, const PriorState& prior, const Registry& registry,
                  const std::function<bool(const std::string&)>& kept,
                  const std::vector<Dependency>& let_go, const Claims* claims,
                  Diagnostics& diagnostics, const Graph* graph) {
    Remover(plan, prior, registry, kept, let_go, claims, diagnostics, graph).run();
    protect_elsewhere(plan, prior, registry, diagnostics);
}

Value with_removal_options(const ResourceType& type, Value before, const Value& wanted) {
    for (const Attribute& a : type.schema)
        if (a.operational && a.type.kind == TypeKind::boolean && wanted[a.name].is_bool())
            before = before.with(a.name, wanted[a.name]);
    return before;
}

void settle_old_generations(Plan& plan, const PriorState& prior) {
    std::unordered_map<std::string, const Step*> made_first;
    for (const Step& s : plan.steps)
        if (s.create_first) made_first.emplace(s.address, &s);
    for (Step& step : plan.steps) {
        const std::string resource = resource_address(step.address);
        if (step.action != Action::remove || resource == step.address) continue;
        const auto made = made_first.find(resource);
        if (made == made_first.end()) continue;
        if (step.type == made->second->type)
            step.before = with_removal_options(*step.type, step.before, made->second->after);
        step.if_differs =
            made->second->if_differs && prior.recorded.at(resource).generation == step.generation;
    }
}

Plan make_destroy_plan(const PriorState& prior, const Registry& registry,
                       const PlanOptions& options, const Graph* graph) {
    const Selection selection(options, nullptr, prior);
    Plan plan;
    plan.destroy = true;
    plan.partial = !selection.all();
    if (plan.partial) plan.notices.push_back(selection.notice());
    plan.outputs = Value::map({});
    plan.outputs_before = prior.outputs;
    const auto kept = [&](const std::string& address) {
        return prior.recorded.contains(address) && !selection.has(address);
    };
    Diagnostics diagnostics;
    add_removals(plan, prior, registry, kept, {}, nullptr, diagnostics, graph);
    diagnostics.throw_if_any();
    std::vector<Taking> takings;
    refuse_removal_of_kept_contents(plan, prior, registry, nullptr, {}, takings, diagnostics);
    order_steps(plan, prior, nullptr, takings, diagnostics);
    diagnostics.throw_if_any();
    note_interrupted(plan, prior);
    plan.losses = find_losses(plan, prior, registry);
    return plan;
}

} // namespace hadeploy
