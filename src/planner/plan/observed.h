#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <string_view>

namespace hadeploy {

/// The record of each node; nullptr for nodes without a record. Needs no lookups, because nodes and
/// records are both sorted by address.
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

/// Whether the object with this address was read and not found.
bool observed_gone(const PriorState& prior, const std::string& address);

/// The config that determines which object to read: the config in the spec or, if the spec now
/// describes a different object, the recorded config of the object to replace.
Value read_config(const ResourceType& type, const Value& config, const RecordedResource* recorded);

/// Adds a note to an error about one resource. The note explains how to continue with the other
/// resources.
/// @param does  effect of excluding the resource: "skips it"
void note_way_around(Error& error, std::string_view does);

/// The current attributes of a resource: its observation or, for a type that exists only in the
/// state, its record. nullopt if the object could not be read yet.
std::optional<Observation> observation_of(const PriorState& prior, const Registry& registry,
                                          const ReadRequest& request);

} // namespace hadeploy
