#include "planner/early.h"
#include "planner/generations.h"
#include "planner/lifecycle.h"
#include "planner/selection.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <utility>

namespace hadeploy {

namespace {

/// Plans the removal of what is recorded and no longer wanted. What lives only on machines that go
/// in the same plan goes with them; what others see of it (it holds connections to machines that
/// stay) is undone properly, before its machine goes.
class Remover {
  public:
    Remover(Plan& plan, const World& world, const Registry& registry,
            const std::function<bool(const std::string&)>& kept,
            const std::vector<Dependency>& let_go, Problems& problems, const Graph* graph)
        : plan_(plan), world_(world), registry_(registry), kept_(kept), let_go_(let_go),
          problems_(problems), graph_(graph) {}

    void run() {
        find_dying();
        std::vector<Step> removals;
        for (const auto& [address, r] : world_.recorded)
            if (!kept_(address)) removals.push_back(plan_removal(r));
        for (Step& s : plan_.steps) // dependents of what goes have to let go of it first
            if (s.node) changed_.insert(s.address);
        order(std::move(removals));
    }

  private:
    void find_dying() {
        for (const auto& [address, r] : world_.recorded) {
            const ResourceType* type = registry_.type(r.type);
            if (type == nullptr || !type->machine || !type->hosts_die) continue;
            const bool ends = !kept_(address) && !is_let_go(address) && !leaving_of(r, graph_).kept;
            if (ends || seen_gone(address)) dying_.insert(address);
        }
        for (const Step& s : plan_.steps)
            if (s.type->machine && s.type->hosts_die && s.action == Action::replace)
                dying_.insert(s.address);
    }

    bool is_let_go(const std::string& address) const {
        return std::any_of(let_go_.begin(), let_go_.end(),
                           [&](const Dependency& d) { return within(address, d.name); });
    }

    bool seen_gone(const std::string& address) const {
        const auto seen = world_.observed.find(address);
        return seen != world_.observed.end() && seen->second.state == Observation::State::absent;
    }

    Step plan_removal(const Recorded& r) {
        Step step{.address = r.address, .action = Action::remove};
        step.type = registry_.type(r.type);
        step.generation = r.generation;
        step.identity = r.identity;
        step.before = r.attributes;
        if (!plan_.destroy) step.reason = reason(r);
        if (step.type == nullptr) {
            Error error(ErrorKind::state,
                        fmt::format("the state has a resource of the type \"{}\", "
                                    "which this hadeploy does not know",
                                    r.type));
            error.address = r.address;
            problems_.add(std::move(error).with_hint("use the version of hadeploy that made it"));
            return step;
        }
        if (is_let_go(r.address)) {
            step.action = Action::forget;
            step.reason = "the spec lets go of it; it stays as it is";
            return step;
        }
        const Leaving leaving = leaving_of(r, graph_);
        const std::set<std::string> machines = machines_in(r.config);
        const auto goes = [&](const std::string& m) {
            const bool known = world_.recorded.contains(m) || kept_(m);
            return dying_.contains(m) || (!known && !m.empty());
        };
        const bool goes_along = !machines.empty() && !step.type->machine &&
                                std::all_of(machines.begin(), machines.end(), goes);
        const bool stays = leaving.kept && !goes_along;
        if (leaving.prevented && !stays && !seen_gone(r.address))
            problems_.add(protected_error(r.address, "would be destroyed", leaving.loc))
                .with_note("`removed:` lets go of it without destroying it");
        if (goes_along) {
            step.action = Action::forget;
            step.reason = machines.size() == 1 ? fmt::format("goes with {}", *machines.begin())
                                               : "goes with its machines";
            return step;
        }
        if (stays && !seen_gone(r.address)) {
            step.action = Action::forget;
            step.reason = "keep_on_destroy: it stays as it is";
            return step;
        }
        look(r, step);
        return step;
    }

    /// Why it is to go.
    std::string reason(const Recorded& r) const {
        const std::string resource = resource_address(r.address);
        const auto current = world_.recorded.find(resource);
        if (resource == r.address || !kept_(resource)) return "the spec no longer has it";
        const bool begun =
            current != world_.recorded.end() && r.generation > current->second.generation;
        return begun ? "it was begun as a replacement that is no longer wanted"
                     : fmt::format("a new {} takes its place", resource);
    }

    void look(const Recorded& r, Step& step) {
        const auto seen = world_.observed.find(r.address);
        if (seen == world_.observed.end() || seen->second.state == Observation::State::blocked) {
            step.read_first = true;
            return;
        }
        const Observation& o = seen->second;
        if (o.state == Observation::State::failed) {
            Error error = o.error.value_or(Error(ErrorKind::failed, "could not be read"));
            error.address = r.address;
            problems_.add(std::move(error));
        } else if (o.state == Observation::State::absent) {
            step.action = Action::forget;
            step.reason = "it is already gone";
        } else if (!o.foreign.empty()) {
            step.action = Action::forget;
            step.reason = "what is there now is not ours: " + o.foreign;
        } else {
            step.before = step.before.with_all(o.attributes);
        }
    }

    /// Appends the removals in an order that takes down dependents first. What is only forgotten
    /// holds nobody up. What goes with its machines waits for them, so that a failure leaves it
    /// recorded; what was seen to be gone is forgotten at once: what could tell so may go itself.
    void order(std::vector<Step> removals) {
        std::map<std::string, std::size_t> index;
        for (std::size_t i = 0; i < removals.size(); ++i) index[removals[i].address] = i;
        // waits[i]: removals that have to be through before removal i
        std::vector<std::set<std::size_t>> waits(removals.size());
        for (std::size_t i = 0; i < removals.size(); ++i) {
            // who rests on a resource knows it by its address, whichever generation it is
            const auto [it, alone] = index.emplace(resource_address(removals[i].address), i);
            if (!alone && it->second != i && removals[i].action != Action::forget)
                waits[i].insert(it->second);
        }
        for (std::size_t i = 0; i < removals.size(); ++i) {
            const Recorded& r = world_.recorded.at(removals[i].address);
            const bool forgotten = removals[i].action == Action::forget;
            if (forgotten && seen_gone(r.address)) continue;
            for (const std::string& m : machines_in(r.config)) {
                const auto it = index.find(m);
                if (it == index.end() || it->second == i) continue;
                if (forgotten)
                    waits[i].insert(it->second);
                else
                    waits[it->second].insert(i);
            }
            if (forgotten) continue;
            std::set<std::string> visited;
            for (const std::size_t d : needed_by(r, removals, index, visited))
                if (d != i) waits[d].insert(i);
        }
        append_sorted(std::move(removals), waits);
    }

    /// The removals that `r` depends on, seen through those that are only forgotten.
    std::vector<std::size_t> needed_by(const Recorded& r, const std::vector<Step>& removals,
                                       const std::map<std::string, std::size_t>& index,
                                       std::set<std::string>& visited) const {
        std::vector<std::size_t> out;
        for (const std::string& d : r.depends_on) {
            const auto it = index.find(d);
            if (it == index.end() || !visited.insert(d).second) continue;
            if (removals[it->second].action != Action::forget) {
                out.push_back(it->second);
                continue;
            }
            const auto through = needed_by(world_.recorded.at(d), removals, index, visited);
            out.insert(out.end(), through.begin(), through.end());
        }
        return out;
    }

    /// Kahn's algorithm in rounds: of what is free the first by address, and what that sets free
    /// further down the list still belongs to the round.
    void append_sorted(std::vector<Step> removals,
                       const std::vector<std::set<std::size_t>>& waits) {
        const auto changed_dependents = steps_that_need(removals);
        std::vector<std::size_t> open(removals.size()); // how many each still waits for
        std::vector<std::vector<std::size_t>> dependents(removals.size());
        std::vector<std::optional<StepId>> placed(removals.size());
        std::set<std::size_t> round, next;
        for (std::size_t i = 0; i < removals.size(); ++i) {
            open[i] = waits[i].size();
            for (const std::size_t d : waits[i]) dependents[d].push_back(i);
            if (open[i] == 0) round.insert(i);
        }
        for (; !round.empty(); round = std::exchange(next, {}))
            while (!round.empty()) {
                const std::size_t i = *round.begin();
                round.erase(round.begin());
                std::set<StepId> after = changed_dependents[i];
                for (const std::size_t d : waits[i]) after.insert(*placed[d]);
                removals[i].after_steps.assign(after.begin(), after.end());
                placed[i] = static_cast<StepId>(plan_.steps.size());
                plan_.steps.push_back(std::move(removals[i]));
                for (const std::size_t d : dependents[i])
                    if (--open[d] == 0) (d > i ? round : next).insert(d);
            }
        for (std::size_t i = 0; i < removals.size(); ++i)
            if (!placed[i])
                problems_.add(Error(ErrorKind::state,
                                    fmt::format("{} can't be removed: by the state it depends on "
                                                "itself",
                                                removals[i].address)));
    }

    /// By removal: the steps of those that needed it so far, and have to let go of it first.
    std::vector<std::set<StepId>> steps_that_need(const std::vector<Step>& removals) const {
        std::vector<std::set<StepId>> out(removals.size());
        // who rests on a resource knows it by its address, whichever generation it is
        std::unordered_map<std::string, std::vector<std::size_t>> index;
        for (std::size_t i = 0; i < removals.size(); ++i)
            index[resource_address(removals[i].address)].push_back(i);
        const auto let_go_first = [&](const std::string& of, StepId s) {
            if (const auto it = index.find(of); it != index.end())
                for (const std::size_t i : it->second) out[i].insert(s);
        };
        for (StepId s = 0; s < plan_.steps.size(); ++s) {
            const std::string& address = plan_.steps[s].address;
            if (plan_.steps[s].create_first) let_go_first(address, s); // the new one is there then
            const auto recorded = world_.recorded.find(address);
            if (recorded == world_.recorded.end() || !changed_.contains(address)) continue;
            for (const std::string& d : recorded->second.depends_on) let_go_first(d, s);
        }
        return out;
    }

    Plan& plan_;
    const World& world_;
    const Registry& registry_;
    const std::function<bool(const std::string&)>& kept_;
    const std::vector<Dependency>& let_go_;
    Problems& problems_;
    const Graph* graph_;
    std::set<std::string> dying_;   ///< machines that this plan ends, or that are gone
    std::set<std::string> changed_; ///< addresses that the spec still has and a step changes
};

} // namespace

void add_removals(Plan& plan, const World& world, const Registry& registry,
                  const std::function<bool(const std::string&)>& kept,
                  const std::vector<Dependency>& let_go, Problems& problems, const Graph* graph) {
    Remover(plan, world, registry, kept, let_go, problems, graph).run();
}

Plan make_destroy_plan(const World& world, const Registry& registry, const PlanOptions& options,
                       const Graph* graph) {
    const Selection selection(options, nullptr, world);
    Plan plan;
    plan.destroy = true;
    plan.partial = !selection.all();
    if (plan.partial) plan.notices.push_back(selection.notice());
    plan.outputs = Value::map({});
    const auto kept = [&](const std::string& address) {
        return world.recorded.contains(address) && !selection.has(address);
    };
    Problems problems;
    add_removals(plan, world, registry, kept, {}, problems, graph);
    problems.throw_if_any();
    note_resumed(plan, world);
    return plan;
}

} // namespace hadeploy
