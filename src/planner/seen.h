#pragma once

#include "planner/plan.h"

#include <string_view>

namespace hadeploy {

/// By node what the state knows of each; nullptr where that is nothing. Nodes and records are both
/// in the order of addresses, so none of them has to be looked up.
/// @param records  World::recorded
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
bool seen_gone(const World& world, const std::string& address);

/// What to look for: the object that is recorded where the spec now wants another one, for that is
/// the one to be replaced.
Value read_config(const ResourceType& type, const Value& config, const Recorded* recorded);

/// The value of an attribute as secret as it has to be: by its schema, or, of what the provider
/// fills in, because it may follow from what is secret in the config.
Value with_secrecy(const ResourceType& type, const Attribute& attribute, Value value,
                   const Value& config);

/// What was seen of a resource, as secret as its schema and its config are. What follows from a
/// config with secrets (the output of a command, a checksum) is secret too, as Graph::config() has
/// it.
Value hide_secrets(const ResourceType& type, const Value& attributes, const Value& config);
/// All that the answer to a request says, as secret as what is wanted and what is recorded.
void hide_secrets(Observation& seen, const ReadRequest& request);
/// The error of something with this config without what is secret in that: the net below what types
/// say with quoted(), which holds for every one of them. Nothing of the error is left where a
/// secret that is too short to be taken out stands in it, nor where a local path is secret, as
/// messages about files name them, in whatever part and form.
Error hide_secrets(Error error, const ResourceType& type, const Value& config);
/// The same of an endpoint, or of a resource's check.
Error hide_secrets(Error error, const Value& config);

/// The key of an endpoint, as people read it.
std::string shown_key(const Endpoint& endpoint);

/// Says under an error about what is in the way of one resource how the others can do without it.
/// @param does  "leaves it out": what excluding the resource does
void note_way_around(Error& error, std::string_view does);

/// What is there of a resource: what was read, or, of what lives in the state alone, what its
/// record tells. Nothing: it could not be read yet.
std::optional<Observation> seen_of(const World& world, const Registry& registry,
                                   const ReadRequest& request);

} // namespace hadeploy
