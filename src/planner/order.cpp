#include "planner/order.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>

namespace hadeploy {

namespace {
/// Walks from any node that still waits to one that it waits for, until a node comes again.
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
                    : fmt::format("{} resources depend on each other in a circle", path.size()),
                first.block->loc);
    for (std::size_t i = 0; i < path.size(); ++i) {
        const Node& from = nodes[path[i]];
        const Node& to = nodes[path[(i + 1) % path.size()]];
        error.with_note(fmt::format("{} needs {}", from.address, to.address), from.block->loc);
    }
    throw Errors({std::move(error)});
}
} // namespace

/// Kahn's algorithm; what is left over when it stops has a cycle in it.
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

} // namespace hadeploy
