#include "planner/selection.h"

#include "planner/address.h"
#include "planner/lifecycle.h"

#include <fmt/format.h>
#include <unordered_map>

namespace hadeploy {

namespace {

using Dependents = std::unordered_map<std::string, std::vector<std::string>>;

Dependents recorded_dependents(const World& world) {
    Dependents out;
    for (const auto& [address, r] : world.recorded)
        for (const std::string& d : r.depends_on) out[d].push_back(address);
    return out;
}

std::vector<std::string> all_addresses(const Graph* graph, const World& world) {
    std::vector<std::string> out;
    if (graph != nullptr)
        for (const Node& n : graph->nodes()) out.push_back(n.address);
    for (const auto& [address, r] : world.recorded)
        if (graph == nullptr || !graph->find(address)) out.push_back(address);
    return out;
}

} // namespace

Selection::Selection(const PlanOptions& options, const Graph* graph, const World& world) {
    if (options.targets.empty()) return;
    all_ = false;
    const std::vector<std::string> all = all_addresses(graph, world);
    std::vector<std::string> open;
    Problems problems;
    for (const std::string& target : options.targets) {
        const std::size_t before = open.size();
        for (const std::string& address : all)
            if (within(address, target)) open.push_back(address);
        if (open.size() == before)
            problems.add(unknown_address(
                fmt::format("--target {}: {} such resource or module", target,
                            graph == nullptr ? "the state has no" : "spec and state have no"),
                target, all, "`hadeploy state list` and `hadeploy graph` show all addresses"));
    }
    problems.throw_if_any();

    const Dependents dependents = recorded_dependents(world);
    while (!open.empty()) {
        const std::string address = std::move(open.back());
        open.pop_back();
        if (!chosen_.insert(address).second) continue;
        const auto node = graph == nullptr ? std::nullopt : graph->find(address);
        if (node) {
            for (const NodeId d : (*graph)[*node].deps) open.push_back((*graph)[d].address);
        } else if (const auto it = dependents.find(address); it != dependents.end()) {
            open.insert(open.end(), it->second.begin(), it->second.end());
        }
    }
    for (const std::string& address : chosen_)
        if (const auto it = world.recorded.find(address); it != world.recorded.end())
            for (const std::string& m : machines_in(it->second.config)) machines_.insert(m);
    notice_ =
        fmt::format("this plan is partial: only {} and what {}", fmt::join(options.targets, ", "),
                    graph == nullptr ? "depends on it" : "it needs");
}

} // namespace hadeploy
