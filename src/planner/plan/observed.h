#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <string_view>

namespace hadeploy {

/// By node what the state knows of each; nullptr where that is nothing. Nodes and records are both
/// in the order of addresses, so none of them has to be looked up.
/// @param records  PriorState::recorded
template<class Records>
auto records_of(const Graph& graph, Records& records) {
    std::vector<decltype(&records.begin()->second)> out(graph.nodes().size());
    auto next = records.begin();
    for (NodeId id = 0; id < out.size(); ++id) {
        const std::string& address = graph[id].address;
        while (next != records.end() && next->first < address) ++next;
        if (next != records.end() && next->first == address) out[id] = &next->second;
    }
    return out;
}

/// Whether the object of an address was looked for and not found.
bool observed_gone(const PriorState& world, const std::string& address);

/// What to look for: the object that is recorded where the spec now wants another one, for that is
/// the one to be replaced.
Value read_config(const ResourceType& type, const Value& config, const RecordedResource* recorded);

/// Says under an error about what is in the way of one resource how the others can do without it.
/// @param does  "leaves it out": what excluding the resource does
void note_way_around(Error& error, std::string_view does);

/// What is there of a resource: what was read, or, of what lives in the state alone, what its
/// record tells. Nothing: it could not be read yet.
std::optional<Observation> observation_of(const PriorState& world, const Registry& registry,
                                          const ReadRequest& request);

} // namespace hadeploy
