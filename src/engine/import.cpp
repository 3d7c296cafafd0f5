#include "engine/import.h"

#include "planner/address.h"
#include "planner/selection.h"

#include <fmt/format.h>

namespace hadeploy {

namespace {

Error refusal(const std::string& address, std::string why, std::string hint) {
    Error error(ErrorKind::usage, std::move(why));
    error.address = address;
    error.hint = std::move(hint);
    return error;
}

const Node& importable(const std::string& address, const Graph& graph, const World& world) {
    const auto id = graph.find(address);
    if (!id) {
        std::vector<std::string> known;
        for (const Node& n : graph.nodes()) known.push_back(n.address);
        throw unknown_address(fmt::format("the spec has no {} to import into", address), address,
                              known, "write its block first: what is imported is read by that");
    }
    const Node& node = graph[*id];
    if (world.recorded.contains(address))
        throw refusal(address, "the state has it already",
                      "`hadeploy state rm` forgets it, without touching it");
    if (node.type->import_id.empty())
        throw refusal(address, fmt::format("a {} can't be imported", node.type->name),
                      node.type->adopts ? "nor need it be: an apply takes over what is there"
                                        : "`hadeploy docs` tells of each type what can be");
    return node;
}

/// What was seen of it, its machines having been looked at before.
Observation look(const Node& node, const std::string& id, const Graph& graph, World world,
                 std::vector<Subject>& what, Endpoints& endpoints, Events& events) {
    PlanOptions only;
    only.targets = {node.address};
    const Selection selection(only, &graph, world);
    std::erase_if(what, [&](const Subject& s) { return !selection.has(s.request.address); });
    for (Subject& s : what)
        if (s.request.address == node.address) s.request.identity = id;
    refresh(world, what, endpoints, events);
    const auto seen = world.observed.find(node.address);
    if (seen != world.observed.end()) return seen->second;
    return Observation::failed(
        Error(ErrorKind::failed, "it can't be read yet: what it needs is not made, or not up"));
}

Value config_of(const Node& node, const std::vector<Subject>& what) {
    for (const Subject& s : what) {
        if (s.request.address != node.address) continue;
        for (const Attribute& a : node.type->schema)
            if (!a.computed && s.request.config[a.name].contains_unknown())
                throw Error(ErrorKind::failed,
                            fmt::format("{} is not known before what it refers to is made", a.name),
                            s.request.config[a.name].loc())
                    .with_hint("apply that first: --target names it");
        return s.request.config;
    }
    return {};
}

} // namespace

Recorded import_resource(const std::string& address, const std::string& id, const Graph& graph,
                         const World& world, const ProviderSettings& settings, Endpoints& endpoints,
                         Events& events) {
    const Node& node = importable(address, graph, world);
    World known = world;
    read_data(known, graph, settings, endpoints, events);
    std::vector<Subject> what = make_survey(graph, known, settings).subjects;
    const Value config = config_of(node, what);
    const Observation seen = look(node, id, graph, std::move(known), what, endpoints, events);
    std::optional<Error> error;
    if (seen.state == Observation::State::absent)
        error = Error(ErrorKind::failed, fmt::format("there is no {} {}", node.type->name, id))
                    .with_hint(fmt::format("the ID is {}", node.type->import_id));
    else if (seen.state != Observation::State::present)
        error = seen.error.value_or(Error(ErrorKind::failed, "it could not be read"));
    else if (!seen.foreign.empty())
        error = Error(ErrorKind::conflict,
                      fmt::format("what is there by that name is not {}: {}", id, seen.foreign))
                    .with_hint(fmt::format("the ID is {}", node.type->import_id));
    if (error) {
        if (error->address.empty()) error->address = address;
        throw *error;
    }
    Value attributes = config;
    for (const Entry& e : seen.attributes.as_map()) attributes = attributes.with(e.key, e.value);
    std::vector<std::string> deps;
    for (const NodeId d : node.deps) deps.push_back(graph[d].address);
    return {address,
            node.type->name,
            1,
            id,
            config,
            with_machine(*node.type, address, complete(*node.type, attributes, {})),
            std::move(deps),
            false};
}

} // namespace hadeploy
