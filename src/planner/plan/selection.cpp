#include "planner/plan/selection.h"

#include "planner/graph/computed.h"
#include "planner/plan/generations.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string_view>
#include <unordered_map>

namespace hadeploy {

namespace {

using Addresses = std::vector<std::string>;
using Dependents = std::unordered_map<std::string, Addresses>;

Dependents recorded_dependents(const PriorState& prior) {
    Dependents out;
    for (const auto& [address, r] : prior.recorded)
        for (const std::string& d : r.depends_on) out[d].push_back(address);
    return out;
}

Dependents dependents_in(const Graph& graph) {
    Dependents out;
    for (const Node& n : graph.nodes())
        for (const NodeId d : n.deps) out[graph[d].address].push_back(n.address);
    return out;
}

Addresses all_addresses(const Graph* graph, const PriorState& prior) {
    Addresses out;
    if (graph != nullptr)
        for (const Node& n : graph->nodes()) out.push_back(n.address);
    for (const auto& [address, r] : prior.recorded)
        if (graph == nullptr || !graph->find(address)) out.push_back(address);
    return out;
}

/// The addresses among `all` that the values of an option match.
/// @throws Error(usage)
Addresses selected(std::string_view option, const Addresses& values, const Addresses& all,
                   const Graph* graph, const PriorState& prior) {
    Addresses out;
    Diagnostics diagnostics;
    for (const std::string& value : values) {
        const std::string wanted = resolve_address(value, all);
        const std::size_t before = out.size();
        for (const std::string& address : all)
            if (within(resource_address(address), wanted)) out.push_back(address);
        if (out.size() == before) // the address before a move
            for (std::string& address : moved_from(wanted, prior))
                out.push_back(std::move(address));
        if (out.size() == before)
            diagnostics.add(unknown_address(
                fmt::format("{} {}: {} such resource or module", option, value,
                            graph == nullptr ? "the state has no" : "spec and state have no"),
                value, all, "`hadeploy state list` and `hadeploy graph` show all addresses"));
    }
    diagnostics.throw_if_any();
    return out;
}

/// Lists the first few addresses, and gives the number of the others.
std::string listed(const Addresses& addresses) {
    constexpr std::size_t most = 5;
    const auto end =
        addresses.begin() + static_cast<std::ptrdiff_t>(std::min(most, addresses.size()));
    std::string out = fmt::format("{}", fmt::join(addresses.begin(), end, ", "));
    if (addresses.size() > most) out += fmt::format(" and {} more", addresses.size() - most);
    return out;
}

/// The addresses that are reached from `open`, including `open` itself; `next` appends the
/// neighbours of an address.
template<class Next>
std::unordered_set<std::string> reached_from(Addresses open, const Next& next) {
    std::unordered_set<std::string> out;
    while (!open.empty()) {
        const std::string address = std::move(open.back());
        open.pop_back();
        if (out.insert(address).second) next(address, open);
    }
    return out;
}

/// The addresses as the user gave them, each once.
std::string addresses_once(const Addresses& addresses) {
    Addresses once;
    for (const std::string& address : addresses)
        if (std::find(once.begin(), once.end(), address) == once.end()) once.push_back(address);
    return fmt::format("{}", fmt::join(once, ", "));
}

void append_dependents(Addresses& to, const Dependents& from, const std::string& address) {
    if (const auto it = from.find(address); it != from.end())
        to.insert(to.end(), it->second.begin(), it->second.end());
}

} // namespace

Selection::Selection(const PlanOptions& options, const Graph* graph, const PriorState& prior) {
    if (options.targets.empty() && options.exclude.empty()) return;
    all_ = false;
    if (!options.targets.empty())
        target(options.targets, graph, prior);
    else
        exclude(options.exclude, graph, prior);
    for (const std::string& address : chosen_)
        if (const auto it = prior.recorded.find(address); it != prior.recorded.end())
            for (const std::string& m : machines_in(it->second.config)) machines_.insert(m);
}

void Selection::target(const Addresses& targets, const Graph* graph, const PriorState& prior) {
    const Dependents dependents = recorded_dependents(prior);
    chosen_ = reached_from(selected("--target", targets, all_addresses(graph, prior), graph, prior),
                           [&](const std::string& address, Addresses& open) {
                               if (const auto node =
                                       graph == nullptr ? std::nullopt : graph->find(address)) {
                                   for (const NodeId d : (*graph)[*node].deps)
                                       open.push_back((*graph)[d].address);
                               } else {
                                   append_dependents(open, dependents, address);
                               }
                           });
    notice_ = fmt::format("this plan is partial: only {} and {}", addresses_once(targets),
                          graph == nullptr ? "dependents" : "dependencies");
}

/// Excluded resources stay as recorded. Therefore nothing that their records depend on can be
/// removed, and nothing in the spec that depends on them can be changed.
void Selection::exclude(const Addresses& excluded, const Graph* graph, const PriorState& prior) {
    const Addresses all = all_addresses(graph, prior);
    const Dependents dependents = graph == nullptr ? Dependents{} : dependents_in(*graph);
    const Addresses by_name = selected("--exclude", excluded, all, graph, prior);
    const auto left = reached_from(by_name, [&](const std::string& address, Addresses& open) {
        append_dependents(open, dependents, address);
        const auto recorded = prior.recorded.find(address);
        if (recorded == prior.recorded.end()) return;
        for (const std::string& d : recorded->second.depends_on)
            if (graph == nullptr || !graph->find(d)) open.push_back(d);
    });
    for (const std::string& address : all)
        if (!left.contains(address)) chosen_.insert(address);
    notice_ =
        fmt::format("this plan is partial: everything except {} and {}", addresses_once(excluded),
                    graph == nullptr ? "dependencies" : "dependents");
    if (graph == nullptr) return;
    // resources that the spec no longer has, and that are kept only because others depend on them
    Addresses kept;
    for (const std::string& address : left)
        if (!graph->find(address) &&
            std::find(by_name.begin(), by_name.end(), address) == by_name.end())
            kept.push_back(address);
    std::sort(kept.begin(), kept.end());
    if (!kept.empty())
        notice_ += fmt::format("; also not removed, because excluded resources depend on it: {}",
                               listed(kept));
}

std::set<std::string> addresses_to_replace(const PlanOptions& options, const Graph& graph,
                                           const Selection& selection, const PriorState& prior) {
    std::set<std::string> out;
    if (options.replace.empty()) return out;
    Diagnostics diagnostics;
    Addresses all;
    for (const Node& n : graph.nodes()) all.push_back(n.address);
    const auto refuse = [&](const std::string& given, std::string_view why) -> Error& {
        return diagnostics.add(
            Error(ErrorKind::usage, fmt::format("--replace {}: {}", given, why)));
    };
    for (const std::string& given : options.replace) {
        std::string address = resolve_address(given, all);
        if (const Addresses now = moved_from(address, prior);
            !graph.find(address) && now.size() == 1)
            address = now.front();
        const auto node = graph.find(address);
        if (!node)
            diagnostics.add(unknown_address(
                fmt::format("--replace {}: the spec has no such single resource", given), address,
                all, "`hadeploy graph` shows all addresses"));
        else if (graph[*node].type->data)
            refuse(given, "it is a data source");
        else if (!selection.has(address) && !options.exclude.empty())
            refuse(given, "--exclude excludes it").hint =
                "omit one of the two options: dependents of an excluded resource are excluded too";
        else if (!selection.has(address))
            refuse(given, "no --target includes it").hint =
                fmt::format("add --target {}", shell_word(address));
        out.insert(address);
    }
    diagnostics.throw_if_any();
    return out;
}

} // namespace hadeploy
