#include "planner/plan/moved_types.h"

#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

/// The move that led to this address.
const Move* move_to(const std::vector<Move>& moves, const std::string& address) {
    const auto it = std::find_if(moves.rbegin(), moves.rend(),
                                 [&](const Move& m) { return within(address, m.to); });
    return it == moves.rend() ? nullptr : &*it;
}

/// Whether the spec has a resource at the target of the move.
bool leads_somewhere(const Graph& graph, const Move& move) {
    return std::any_of(graph.nodes().begin(), graph.nodes().end(),
                       [&](const Node& n) { return within(n.address, move.to); });
}

} // namespace

void check_moved_types(const Graph& graph, const PriorState& prior, Diagnostics& diagnostics) {
    for (const auto& [from, to] : prior.moved) {
        const Move* move = move_to(graph.spec().moved, to);
        if (move == nullptr) continue;
        const RecordedResource& recorded = prior.recorded.at(to);
        const auto node = graph.find(to);
        if (!node && to == move->to && leads_somewhere(graph, *move)) {
            Error& error = diagnostics.add(
                fmt::format("moved: {} can't become {}: the target has instances", from, to),
                move->to_loc);
            error.hint =
                "name the instance that it becomes: " +
                std::find_if(graph.nodes().begin(), graph.nodes().end(), [&](const Node& n) {
                    return within(n.address, move->to);
                })->address;
        } else if (!node && !leads_somewhere(graph, *move)) {
            diagnostics
                .add(fmt::format("moved: {} can't become {}: the spec has no such instance", from,
                                 to),
                     move->to_loc)
                .hint = "the object would be moved and then destroyed: delete the move, or add "
                        "the instance to the spec";
        } else if (node && graph[*node].type->name != recorded.type) {
            diagnostics
                .add(fmt::format("moved: {} is a {}, but {} is a {}", from, recorded.type, to,
                                 graph[*node].type->name),
                     move->loc)
                .with_note("the block is here", graph[*node].block->type_loc)
                .hint = "a move keeps the object: delete the move to destroy the old object and "
                        "create the new one";
        }
    }
}

} // namespace hadeploy
