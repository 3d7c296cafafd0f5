#include "planner/plan/reads.h"

#include "core/trace.h"
#include "planner/graph/claims.h"
#include "planner/graph/computed.h"
#include "planner/graph/imports.h"
#include "planner/plan/generations.h"
#include "planner/plan/identity.h"
#include "planner/plan/import.h"
#include "planner/plan/lifecycle.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/selection.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

const RecordedResource* record_of(const PriorState& prior, const std::string& address) {
    const auto it = prior.recorded.find(address);
    return it == prior.recorded.end() ? nullptr : &it->second;
}

/// Everything that is known of a node with an evaluated config: from its record or, for a data
/// source, from a read with this config.
Value known_value(const Node& node, const Value& config, const RecordedResource* recorded,
                  const PriorState& prior) {
    if (!node.type->data)
        return complete(*node.type, config, recorded != nullptr ? recorded->attributes : Value());
    const auto observed = prior.observed.find(node.address);
    const bool fits = observed != prior.observed.end() &&
                      observed->second.state == Observation::State::present &&
                      read_with(*node.type, config, observed->second);
    return complete(*node.type, config, fits ? observed->second.attributes : Value());
}

/// Everything that is known of a node, including its observation.
Value seen_value(const Node& node, const Value& config, const PriorState& prior,
                 const Registry& registry) {
    const RecordedResource* recorded = record_of(prior, node.address);
    if (node.type->data || recorded == nullptr) return known_value(node, config, recorded, prior);
    const auto seen = observation_of(
        prior, registry, {node.address, node.type, config, recorded, recorded->identity});
    const bool there = seen && seen->state == Observation::State::present;
    return complete(*node.type, config,
                    there ? recorded->attributes.with_all(seen->attributes) : recorded->attributes);
}

/// The nodes whose configs depend on other resources. Those resources may be about to change, so an
/// error that follows from their recorded values does not count yet.
std::vector<bool> follow_resources(const Graph& graph) {
    std::vector<bool> out(graph.nodes().size());
    for (const NodeId id : graph.order())
        for (const NodeId d : graph[id].deps) out[id] = out[id] || !graph[d].type->data || out[d];
    return out;
}

/// Keeps only one copy of two equal values, because a state can be large.
void share(Value& kept, const Value& with) {
    const bool secret = kept.contains_secret() || with.contains_secret();
    if (!secret && kept == with) kept = with;
}

/// The config that determines where to read an object. A machine must have its recorded connection,
/// so that no other machine can respond instead.
Value place_config(const ResourceType& type, const Value& config,
                   const RecordedResource* recorded) {
    if (!type.machine || recorded == nullptr || config["connection"].is_map()) return config;
    return config.with("connection", recorded->attributes["connection"]);
}

PlannedRead recorded_subject(const RecordedResource& r, const ResourceType& type,
                             const Registry& registry, const ProviderSettings& settings) {
    const Provider& provider = *registry.provider(type.provider);
    return {{r.address, &type, r.config, &r, r.identity},
            provider.endpoints(type, place_config(type, r.config, &r), settings.at(provider.name))};
}

/// Adds a read of the place where a replacement would create its object, if the type would adopt an
/// object at that place.
void add_new_place(const PlannedRead& own, const Value& config, const Provider& provider,
                   const ProviderSettings& settings, std::vector<PlannedRead>& out) {
    const ResourceType& type = *own.request.type;
    const RecordedResource* recorded = own.request.recorded;
    if (!type.adopts || recorded == nullptr || recorded->config.is_same(config)) return;
    const std::vector<std::string> before = type.claims(recorded->config);
    const std::vector<std::string> after = type.claims(config);
    if (before.empty() || after.empty() || before.front() == after.front()) return;
    out.push_back({{new_place_address(own.request.address), &type, config, nullptr, {}},
                   provider.endpoints(type, config, settings.at(provider.name))});
}

/// Adds a read of the object of a resource whose type has changed. The object is removed as an old
/// generation.
void add_former(const RecordedResource& r, const Registry& registry,
                const ProviderSettings& settings, std::vector<PlannedRead>& out) {
    const ResourceType* type = registry.type(r.type);
    if (type == nullptr) return; // add_removals() reports it
    out.push_back(recorded_subject(r, *type, registry, settings));
    out.back().request.address = generation_address(r.address, r.generation);
}

/// Adds reads of the recorded objects that the spec does not have.
void add_unwanted(const Graph& graph, const PriorState& prior, const ProviderSettings& settings,
                  std::vector<PlannedRead>& out) {
    for (const auto& [address, r] : prior.recorded) {
        if (graph.find(address)) continue;
        const ResourceType* type = graph.registry().type(r.type);
        if (type != nullptr) // otherwise add_removals() reports it
            out.push_back(recorded_subject(r, *type, graph.registry(), settings));
    }
}

} // namespace

Evaluation evaluate_resources(const Graph& graph, PriorState& prior,
                              const ProviderSettings& settings) {
    const Span span("evaluate");
    Evaluation out;
    Diagnostics diagnostics;
    Claims claims;
    out.configs.resize(graph.nodes().size());
    out.values.resize(graph.nodes().size());
    const Graph::Values lookup = [&](NodeId id) { return out.values[id]; };
    const std::vector<RecordedResource*> records = records_of(graph, prior.recorded);
    NewGenerations fresh(prior);
    // the plan reports errors in these nodes, when the changes are known
    std::vector<bool> open(graph.nodes().size());
    if (!prior.recorded.empty()) open = follow_resources(graph);
    Diagnostics left_to_plan;
    for (const NodeId id : graph.order()) {
        const Node& node = graph[id];
        Diagnostics& found = open[id] ? left_to_plan : diagnostics;
        const std::size_t before = found.list().size();
        const Value config = graph.config(id, lookup, found);
        // the errors are recorded; dependents continue with unknown values
        if (config.is_null() || (open[id] && found.list().size() != before)) {
            out.values[id] = Value::unknown();
            continue;
        }
        RecordedResource* recorded = records[id];
        if (!open[id]) claims.add(node, with_lifecycle(node, config, recorded, nullptr));
        out.configs[id] = config;
        out.values[id] = known_value(node, config, recorded, prior);
        if (recorded != nullptr) share(recorded->config, config);
        if (recorded != nullptr) share(recorded->attributes, out.values[id]);
        const Provider& provider = *graph.registry().provider(node.type->provider);
        if (node.type->data) continue; // see reads_of_data()
        if (recorded != nullptr && recorded->type != node.type->name) {
            add_former(*recorded, graph.registry(), settings, out.reads);
            continue;
        }
        if (provider.state_only) continue; // see observation_of()
        PlannedRead s;
        s.request = {node.address, node.type, read_config(*node.type, config, recorded), recorded,
                     recorded ? recorded->identity : imported_id(graph, node.address)};
        if (s.request.identity.empty())
            s.request.identity = identity_of(prior.lineage, node.address, fresh.next(node.address));
        s.candidates =
            provider.endpoints(*node.type, place_config(*node.type, s.request.config, recorded),
                               settings.at(provider.name));
        add_new_place(s, config, provider, settings, out.reads);
        out.reads.push_back(std::move(s));
    }
    graph.check_inputs(lookup, prior.recorded.empty() ? diagnostics : left_to_plan);
    (void)graph.outputs(lookup, prior.recorded.empty() ? diagnostics : left_to_plan);
    claims.check(diagnostics);
    check_parts(graph, out.values, diagnostics);
    check_imports(graph, diagnostics);
    out.notices = claims.remarks(graph);
    diagnostics.throw_if_any();
    add_unwanted(graph, prior, settings, out.reads);
    return out;
}

Evaluation evaluate_and_move(const Graph& graph, PriorState& prior,
                             const ProviderSettings& settings) {
    // a record at its new address can make further configs known, and thus lead to more moves
    constexpr int kMostRounds = 16;
    for (int round = 0;; ++round) {
        Evaluation evaluation = evaluate_resources(graph, prior, settings);
        Identities found = find_identities(graph, prior, evaluation.configs);
        evaluation.look_alikes = std::move(found.look_alikes);
        evaluation.take_overs = std::move(found.take_overs);
        if (found.moves.empty() || round == kMostRounds) return evaluation;
        prior = moved_prior_state(std::move(prior), found.moves);
    }
}

std::vector<PlannedRead> reads_of_records(const Registry& registry, const PriorState& prior,
                                          const ProviderSettings& settings) {
    std::vector<PlannedRead> out;
    for (const auto& [address, r] : prior.recorded)
        if (const ResourceType* type = registry.type(r.type))
            out.push_back(recorded_subject(r, *type, registry, settings));
    return out;
}

void assume_recorded(PriorState& prior) {
    for (const auto& [address, r] : prior.recorded)
        if (!prior.unfinished.contains(address) && !prior.interrupted.contains(address))
            prior.observed[address] = Observation::present(r.attributes);
}

bool read_with(const ResourceType& type, const Value& config, const Observation& observed) {
    return std::all_of(type.schema.begin(), type.schema.end(), [&](const Attribute& a) {
        return a.computed || config[a.name] == observed.attributes[a.name];
    });
}

std::vector<PlannedRead> reads_of_data(const Graph& graph, const PriorState& prior,
                                       const ProviderSettings& settings) {
    std::vector<PlannedRead> out;
    const auto& nodes = graph.nodes();
    if (std::none_of(nodes.begin(), nodes.end(), [](const Node& n) { return n.type->data; }))
        return out;
    Diagnostics ignored;
    std::vector<Value> values(nodes.size());
    std::vector<bool> there(nodes.size()); // recorded; for a data source: all dependencies are
    const Graph::Values lookup = [&](NodeId id) { return values[id]; };
    for (const NodeId id : graph.order()) {
        const Node& node = graph[id];
        const Value config = graph.config(id, lookup, ignored);
        values[id] =
            config.is_null() ? Value::unknown() : seen_value(node, config, prior, graph.registry());
        if (!node.type->data) {
            there[id] = record_of(prior, node.address) != nullptr &&
                        !prior.unfinished.contains(node.address);
            continue;
        }
        there[id] =
            std::all_of(node.deps.begin(), node.deps.end(), [&](NodeId d) { return there[d]; });
        const auto seen = prior.observed.find(node.address);
        const bool read =
            seen != prior.observed.end() && read_with(*node.type, config, seen->second);
        // the computed attributes are known only after the read
        const bool known = std::none_of(
            node.type->schema.begin(), node.type->schema.end(),
            [&](const Attribute& a) { return !a.computed && config[a.name].contains_unknown(); });
        if (config.is_null() || !there[id] || read || !known) continue;
        const Provider& provider = *graph.registry().provider(node.type->provider);
        out.push_back({{node.address, node.type, config, nullptr, {}},
                       provider.endpoints(*node.type, config, settings.at(provider.name))});
    }
    return out;
}

std::vector<PlannedRead> reads_before_destroy(const Registry& registry, const PriorState& prior,
                                              const ProviderSettings& settings,
                                              const Selection& selection) {
    std::set<std::string> dying;
    for (const auto& [address, r] : prior.recorded) {
        const ResourceType* type = registry.type(r.type);
        if (type != nullptr && type->machine && type->removal_ends_machine &&
            selection.has(address))
            dying.insert(address);
    }
    std::vector<PlannedRead> out;
    for (const auto& [address, r] : prior.recorded) {
        const ResourceType* type = registry.type(r.type);
        if (type == nullptr) continue;
        const std::set<std::string> machines = machines_in(r.config);
        const bool goes_along =
            !machines.empty() && std::all_of(machines.begin(), machines.end(), [&](const auto& m) {
                return dying.contains(m) || (!m.empty() && !prior.recorded.contains(m));
            });
        if (!goes_along) out.push_back(recorded_subject(r, *type, registry, settings));
    }
    return out;
}

std::vector<Batch> next_wave(const std::vector<PlannedRead>& reads, const PriorState& prior,
                             const std::set<std::string>& dead, std::vector<bool>& done) {
    std::set<std::string> pending; // machines that are not read yet
    for (std::size_t i = 0; i < reads.size(); ++i)
        if (!done[i] && reads[i].request.type->machine) pending.insert(reads[i].request.address);

    // machines first, so that resources on a machine with the same connection join its batch
    std::vector<std::size_t> in_order;
    for (const bool machine : {true, false})
        for (std::size_t i = 0; i < reads.size(); ++i)
            if (!done[i] && reads[i].request.type->machine == machine) in_order.push_back(i);

    std::map<std::string, Batch> batches;
    for (const std::size_t i : in_order) {
        const PlannedRead& s = reads[i];
        bool waits = false;
        const Endpoint* chosen = nullptr;
        for (const Endpoint& e : s.candidates) {
            if (dead.contains(e.key)) continue;
            // a machine with its own connection does not need another read first
            const bool own = e.machine == s.request.address;
            const bool same_door = pending.contains(e.machine) && batches.contains(e.key);
            if (own || e.machine.empty() || same_door || machine_is_up(prior, e.machine)) {
                chosen = &e;
                break;
            }
            if (pending.contains(e.machine)) {
                waits = true;
                break;
            }
        }
        if (chosen != nullptr) {
            Batch& batch = batches[chosen->key];
            batch.endpoint = *chosen;
            batch.reads.push_back(i);
        } else if (!waits) {
            done[i] = true; // unreachable: planned as "read later"
        }
    }
    std::vector<Batch> out;
    for (auto& [key, batch] : batches) out.push_back(std::move(batch));
    return out;
}

} // namespace hadeploy
