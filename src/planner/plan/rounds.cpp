#include "planner/plan/rounds.h"

#include "planner/graph/computed.h"
#include "planner/plan/observed.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <map>

namespace hadeploy {

namespace {

bool in_cluster(const ResourceType& type, const Value& attributes) {
    return type.copies(attributes) > 1 || !type.votes_in(attributes).empty();
}

/// The machines of each cluster that has several machines.
class Clusters {
  public:
    Clusters(const PriorState& prior, const Registry& registry) {
        for (const auto& [address, r] : prior.recorded) {
            const ResourceType* type = registry.type(r.type);
            if (type == nullptr || !in_cluster(*type, r.attributes)) continue;
            std::string first;
            for (const std::string& machine : machines_in(r.config)) {
                if (machine.empty()) continue;
                const std::string root = root_of(machine);
                if (first.empty()) first = root;
                parent_[root] = first;
            }
        }
    }

    /// A name for the cluster of the machine; "" if it is in none.
    [[nodiscard]] std::string of(const std::string& machine) const {
        std::string at = machine;
        for (auto it = parent_.find(at); it != parent_.end(); it = parent_.find(at)) {
            if (it->second == at) return at;
            at = it->second;
        }
        return {};
    }
    [[nodiscard]] bool has_others(const std::string& machine) const {
        const std::string own = of(machine);
        return !own.empty() && std::any_of(parent_.begin(), parent_.end(), [&](const auto& entry) {
            return entry.first != machine && of(entry.first) == own;
        });
    }

  private:
    std::string root_of(const std::string& machine) {
        const std::string root = of(machine);
        if (!root.empty()) return root;
        parent_[machine] = machine;
        return machine;
    }

    std::map<std::string, std::string> parent_;
};

/// Whether a step only repairs something that changed outside hadeploy.
bool repairs(const Step& step) {
    return step.action == Action::update && !step.changes.empty() &&
           std::all_of(step.changes.begin(), step.changes.end(),
                       [](const AttributeChange& c) { return c.drift; });
}

/// The machine in the attribute `host` of a resource; "" if there is none.
std::string own_machine(const Value& attributes) {
    return attributes["host"].text("machine");
}

} // namespace

std::vector<Turn> find_turns(const Plan& plan, const PriorState& prior, const Graph& graph) {
    const Clusters clusters(prior, graph.registry());
    std::set<std::string> sick;
    std::map<std::string, std::vector<const Step*>> by_machine;
    for (const Step& s : plan.steps) {
        if (repairs(s) && in_cluster(*s.type, s.before)) sick.insert(own_machine(s.before));
        const bool down = s.restarts || (s.action == Action::replace && !s.if_differs &&
                                         s.type->machine && s.type->removal_ends_machine);
        if (!s.node || !down) continue;
        const std::string machine = s.type->machine ? s.address : own_machine(s.after);
        if (machine_is_up(prior, machine) && clusters.has_others(machine))
            by_machine[machine].push_back(&s);
    }
    std::vector<Turn> out;
    for (const auto& [machine, steps] : by_machine) {
        const auto first = std::find_if(steps.begin(), steps.end(),
                                        [](const Step* s) { return s->type->machine; });
        const Step& named = first == steps.end() ? *steps.front() : **first;
        Turn turn{machine, {named.address}, named.verb};
        if (turn.verb.empty()) turn.verb = named.action == Action::replace ? "replace" : "update";
        for (const Step* s : steps)
            if (s != &named) turn.addresses.push_back(s->address);
        out.push_back(std::move(turn));
    }
    std::stable_sort(out.begin(), out.end(), [&](const Turn& a, const Turn& b) {
        return !sick.contains(a.machine) < !sick.contains(b.machine);
    });
    return out;
}

bool concerns_clusters(const Plan& plan, const std::vector<Turn>& turns, const PriorState& prior,
                       const Registry& registry) {
    const Clusters clusters(prior, registry);
    const auto is_turn = [&](const std::string& machine) {
        return std::any_of(turns.begin(), turns.end(),
                           [&](const Turn& t) { return t.machine == machine; });
    };
    return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& s) {
        const bool comes_or_goes = s.action == Action::create || s.action == Action::remove;
        if (s.type->machine)
            return comes_or_goes ||
                   (s.action == Action::update && !machine_is_up(prior, s.address));
        const Value& attributes = s.before.is_null() ? s.after : s.before;
        if (!in_cluster(*s.type, attributes)) return false;
        const bool grows =
            s.action == Action::update && s.type->copies(s.before) != s.type->copies(s.after);
        // the turn of a machine also repairs its member
        return comes_or_goes || grows || (repairs(s) && !is_turn(own_machine(attributes)));
    });
}

std::set<std::string> used_by(const std::set<std::string>& addresses, const PriorState& prior) {
    std::set<std::string> out;
    std::vector<std::string> open(addresses.begin(), addresses.end());
    while (!open.empty()) {
        const std::string at = std::move(open.back());
        open.pop_back();
        const auto r = prior.recorded.find(at);
        if (r == prior.recorded.end()) continue;
        for (const std::string& d : r->second.depends_on)
            if (out.insert(d).second) open.push_back(d);
    }
    return out;
}

void go_with_machine(Step& step, const RecordedResource& recorded, const PriorState& prior,
                     Places::Down down, std::optional<Action>& action) {
    if (recorded.type != step.type->name) return;
    const std::string machine = step.type->machine ? step.address : own_machine(step.after);
    if (action == Action::update && machine_is_up(prior, machine) &&
        step.type->restarts(step.before, step.after)) {
        step.restarts = true;
        if (step.type->machine) step.verb = "restart";
    }
    if (down == Places::Down::all && action != Action::replace &&
        !step.type->votes_in(step.after).empty() && machines_in(step.after).size() > 1) {
        action = Action::replace;
        step.read_first = false;
        step.reason = "it leaves the cluster and joins it again, because its machine is taken down";
        step.verb.clear();
    }
    if (down != Places::Down::some) return;
    if (!action) {
        action = Action::read;
        step.reason = "read again after a change of its machines, and repaired if it differs";
    }
    // the earlier read does not show whether the new machine lacks something
    if (action == Action::read || action == Action::update) step.read_first = true;
}

namespace {

void add_reason(Step& step, const std::string& text) {
    step.reason += (step.reason.empty() ? "" : "; ") + text;
}

/// Tracks the votes and copies of clusters through the steps of a plan.
class Quorums {
  public:
    Quorums(Plan& plan, const PriorState& prior, const Registry& registry)
        : plan_(plan), prior_(prior), clusters_(prior, registry) {
        for (const auto& [address, r] : prior.recorded) {
            const ResourceType* type = registry.type(r.type);
            const std::string group = type == nullptr ? "" : group_of(*type, r.config);
            if (group.empty()) continue;
            const std::string machine = own_machine(r.config);
            groups_[group][address] = {machine, machine.empty() || machine_is_up(prior, machine)};
        }
    }

    void run() {
        for (Step& step : plan_.steps) {
            if (step.type->machine && step.node && !step.first_half) starts(step.address);
            if (step.action == Action::update) copies(step);
            votes(step);
        }
    }

  private:
    struct Member {
        std::string machine;
        bool lives = true; ///< whether the machine runs
    };
    using Group = std::map<std::string, Member>; ///< by address

    std::string group_of(const ResourceType& type, const Value& config) const {
        if (type.votes_in(config).empty()) return {};
        for (const std::string& machine : machines_in(config))
            if (const std::string cluster = clusters_.of(machine); !cluster.empty())
                return type.name + " " + cluster;
        return {};
    }

    void starts(const std::string& machine) {
        for (auto& [name, group] : groups_)
            for (auto& [address, member] : group)
                if (member.machine == machine) member.lives = true;
    }

    void copies(Step& step) const {
        const std::int64_t before = step.type->copies(step.before);
        const std::int64_t after = step.type->copies(step.after);
        if (before == after) return;
        add_reason(step,
                   fmt::format("{} -> {} copies, a majority is {}", before, after, after / 2 + 1));
        if (after > before) return;
        for (const std::string& machine : machines_in(step.after))
            if (!machine.empty() && !machine_is_up(prior_, machine))
                throw refusal(
                    step,
                    fmt::format(
                        "it would have fewer copies while {}, which has one of them, does not run",
                        machine));
    }

    void votes(Step& step) {
        const bool ends = step.action == Action::remove;
        const bool begins =
            step.node && (step.action == Action::create || step.action == Action::replace);
        if (!ends && !begins) return;
        const auto found = groups_.find(group_of(*step.type, ends ? step.before : step.after));
        if (found == groups_.end()) return;
        Group& group = found->second;
        if (!ends) {
            const std::size_t without = group.size() - group.count(step.address);
            group[step.address] = {own_machine(step.after), true};
            return add_reason(step, step.action == Action::replace ? text(without) + " without it"
                                                                   : "then " + text(group.size()));
        }
        group.erase(step.address);
        if (!step.first_half) add_reason(step, "then " + text(group.size()));
        const auto living = static_cast<std::size_t>(std::count_if(
            group.begin(), group.end(), [](const auto& entry) { return entry.second.lives; }));
        if (!plan_.destroy && living < group.size() / 2 + 1 && stays(group))
            throw refusal(step,
                          fmt::format("without it, only {} of {} votes would be left, and the "
                                      "quorum is {}",
                                      living, group.size(), group.size() / 2 + 1));
    }

    /// Whether some of the members are neither removed nor replaced by the plan.
    bool stays(const Group& group) const {
        return std::any_of(group.begin(), group.end(), [&](const auto& entry) {
            return std::none_of(plan_.steps.begin(), plan_.steps.end(), [&](const Step& s) {
                return s.action == Action::remove && s.address == entry.first;
            });
        });
    }

    static std::string text(std::size_t votes) {
        return fmt::format("{} {}, quorum {}", votes, votes == 1 ? "vote" : "votes", votes / 2 + 1);
    }

    static Error refusal(const Step& step, std::string text) {
        Error error(ErrorKind::conflict, std::move(text), step.loc);
        error.address = step.address;
        error.hint = "apply once without this change, so that the other members are repaired first";
        return error;
    }

    Plan& plan_;
    const PriorState& prior_;
    const Clusters clusters_;
    std::map<std::string, Group> groups_;
};

} // namespace

void follow_quorums(Plan& plan, const PriorState& prior, const Registry& registry) {
    Quorums(plan, prior, registry).run();
}

} // namespace hadeploy
