#include "planner/graph/order.h"

#include "planner/spec/address.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>

namespace hadeploy {

namespace {
/// Whether the pattern of a trigger, apart from its keys, names the address, or a module or block
/// that contains the address.
bool names(const AddressPattern& pattern, const std::string& prefix, const std::string& address) {
    if (!address.starts_with(prefix)) return false;
    const std::vector<AddressPart> parts = parts_of_address(address.substr(prefix.size()));
    if (parts.size() < pattern.parts.size()) return false;
    return std::equal(pattern.parts.begin(), pattern.parts.end(), parts.begin(),
                      [](const auto& a, const auto& b) { return a.name == b.name; });
}

/// The location in the spec that causes a dependency: the entry of a depends_on or of a trigger,
/// otherwise the block.
Loc place_of_edge(const Node& from, const Node& to) {
    const auto named = [&](const std::vector<Dependency>& list, const Scope& scope) {
        const auto it = std::find_if(list.begin(), list.end(), [&](const Dependency& d) {
            return within(to.address, scope.prefix + d.name);
        });
        return it == list.end() ? Loc{} : it->loc;
    };
    if (const Loc loc = named(from.block->depends_on, *from.scope); loc.known()) return loc;
    for (const AddressPattern& p : from.block->lifecycle().replace_triggered_by)
        if (names(p, from.scope->prefix, to.address)) return p.loc;
    for (const Scope* s = from.scope; s->call != nullptr; s = s->parent)
        if (const Loc loc = named(s->call->depends_on, *s->parent); loc.known()) return loc;
    return from.block->loc;
}

/// Follows the nodes that wait for each other until a node repeats.
[[noreturn]] void report_cycle(const std::vector<Node>& nodes,
                               const std::vector<std::uint32_t>& waiting) {
    NodeId at = 0;
    while (waiting[at] == 0) ++at;
    std::vector<NodeId> path;
    while (std::find(path.begin(), path.end(), at) == path.end()) {
        path.push_back(at);
        for (const NodeId d : nodes[at].deps)
            if (waiting[d] != 0) {
                at = d;
                break;
            }
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), at));
    const Node& first = nodes[path.front()];
    Error error(ErrorKind::spec,
                path.size() == 1
                    ? fmt::format("{} depends on itself", first.address)
                    : fmt::format("{} resources depend on each other in a cycle", path.size()),
                first.block->loc);
    for (std::size_t i = 0; i < path.size(); ++i) {
        const Node& from = nodes[path[i]];
        const Node& to = nodes[path[(i + 1) % path.size()]];
        error.with_note(fmt::format("{} needs {}", from.address, to.address),
                        place_of_edge(from, to));
    }
    throw error;
}
} // namespace

/// Kahn's algorithm; the nodes that remain at the end contain a cycle.
std::vector<NodeId> topological_order(const std::vector<Node>& nodes) {
    std::vector<NodeId> order;
    order.reserve(nodes.size());
    std::vector<std::uint32_t> waiting(nodes.size());
    std::vector<std::vector<NodeId>> dependents(nodes.size());
    std::deque<NodeId> ready;
    for (NodeId id = 0; id < nodes.size(); ++id) {
        waiting[id] = static_cast<std::uint32_t>(nodes[id].deps.size());
        for (const NodeId d : nodes[id].deps) dependents[d].push_back(id);
        if (waiting[id] == 0) ready.push_back(id);
    }
    while (!ready.empty()) {
        const NodeId id = ready.front();
        ready.pop_front();
        order.push_back(id);
        for (const NodeId d : dependents[id])
            if (--waiting[d] == 0) ready.push_back(d);
    }
    if (order.size() != nodes.size()) report_cycle(nodes, waiting);
    return order;
}

void spread_create_first(std::vector<Node>& nodes, const std::vector<NodeId>& order) {
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
        Node& node = nodes[*it];
        node.create_first = node.create_first || node.creates_first() ||
                            node.lifecycle().keep_on_destroy.value_or(false);
        if (!node.create_first) continue;
        for (const NodeId d : node.deps) {
            // removing the machine removes everything on it
            const bool ends = nodes[d].type->machine && nodes[d].type->removal_ends_machine;
            if (!ends) nodes[d].create_first = true;
        }
    }
}

} // namespace hadeploy
