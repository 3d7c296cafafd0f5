#include "planner/plan/places.h"

#include "planner/graph/computed.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>

namespace hadeploy {

void Places::note(NodeId id, const Value& config, std::optional<Action> action, bool restarts) {
    const Node& node = graph_[id];
    if (!node.type->machine) {
        std::string machine = restarts ? config["host"].text("machine") : stopped_below(id, config);
        if (!machine.empty()) stopped_[id] = std::move(machine);
        return;
    }
    State state = State::up;
    if (action == Action::create || action == Action::replace)
        state = State::fresh;
    else if (!machine_is_up(prior_, node.address))
        state = State::starting;
    machines_[node.address] = state;
    if (state == State::fresh) fresh_.insert(node.address);
    if (action == Action::replace) replaced_.insert(node.address);
    const bool ends = action == Action::replace && node.type->removal_ends_machine;
    if (restarts || (ends && machine_is_up(prior_, node.address))) down_.insert(node.address);
}

std::string Places::stopped_below(NodeId id, const Value& config) const {
    if (stopped_.empty()) return {};
    const std::string own = config["host"].text("machine");
    for (const NodeId d : graph_[id].deps) {
        const auto stopped = stopped_.find(d);
        if (stopped == stopped_.end()) continue;
        const std::string& machine = stopped->second;
        if (own.empty() ? machines_in(config).contains(machine) : own == machine) return machine;
    }
    return {};
}

Places::Down Places::down(NodeId id, const Value& config) const {
    const Node& node = graph_[id];
    if (node.type->machine) return Down::none;
    if (!stopped_below(id, config).empty())
        return config["host"].is_null() ? Down::some : Down::all;
    if (down_.empty() && fresh_.empty()) return Down::none;
    // Not the endpoints: the host key of a machine that is created or replaced is unknown, and
    // without it there is no endpoint.
    const Value& own = config["host"];
    const std::set<std::string> machines =
        own.is_null() ? machines_in(config) : std::set<std::string>{own.text("machine")};
    const auto are_in = [&](const std::set<std::string>& some) {
        return static_cast<std::size_t>(
            std::count_if(machines.begin(), machines.end(),
                          [&](const std::string& m) { return some.contains(m); }));
    };
    const std::size_t down = are_in(down_), fresh = are_in(fresh_);
    if (down > 0) return down == machines.size() ? Down::all : Down::some;
    return fresh > 0 && fresh < machines.size() ? Down::some : Down::none;
}

/// The state of the machine through which the resource can best be reached.
Places::State Places::state(const Node& node, const Value& config) const {
    const Provider& provider = *graph_.registry().provider(node.type->provider);
    const auto candidates = provider.endpoints(*node.type, config, settings_.at(provider.name));
    State best = State::fresh;
    for (const Endpoint& e : candidates) {
        if (e.machine.empty() || e.machine == node.address) return State::up;
        const auto it = machines_.find(e.machine);
        best = std::min(best, it == machines_.end() ? State::up : it->second);
    }
    return best;
}

bool Places::is_gone(const std::string& machine) const {
    return !graph_.find(machine) &&
           (!prior_.recorded.contains(machine) || observed_gone(prior_, machine));
}

bool Places::is_fresh(const Node& node, const Value& config,
                      const RecordedResource* recorded) const {
    if (state(node, config) != State::fresh) return false;
    if (recorded == nullptr) return true;
    const Value there = read_config(*node.type, config, recorded);
    const std::set<std::string> machines = machines_in(there);
    const bool gone =
        !machines.empty() && std::all_of(machines.begin(), machines.end(),
                                         [&](const std::string& m) { return is_gone(m); });
    return gone || state(node, there) == State::fresh;
}

bool Places::are_replaced(const Value& config) const {
    const std::set<std::string> machines = machines_in(config);
    return !machines.empty() &&
           std::all_of(machines.begin(), machines.end(), [&](const std::string& m) {
               const auto id = graph_.find(m);
               return id && graph_[*id].type->removal_ends_machine && replaced_.contains(m);
           });
}

bool Places::are_removed(const Step& step, const RecordedResource& recorded,
                         const Selection& selection) const {
    const std::set<std::string> machines = machines_in(recorded.config);
    const auto is_removed = [&](const std::string& m) {
        const auto r = prior_.recorded.find(m);
        if (graph_.find(m) || r == prior_.recorded.end() || !selection.has(m)) return false;
        const ResourceType* type = graph_.registry().type(r->second.type);
        const auto& let_go = graph_.spec().removed;
        return type != nullptr && type->removal_ends_machine &&
               std::none_of(let_go.begin(), let_go.end(),
                            [&](const Dependency& d) { return within(m, d.name); });
    };
    if (machines.empty() || !std::all_of(machines.begin(), machines.end(), is_removed))
        return false;
    const std::vector<std::string> old = step.type->claims(recorded.config);
    const std::vector<std::string> wanted = step.type->claims(step.after);
    return std::none_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
        return std::find(old.begin(), old.end(), name) != old.end();
    });
}

} // namespace hadeploy
