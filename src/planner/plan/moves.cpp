#include "planner/plan/moves.h"

#include "planner/plan/generations.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

namespace {

/// The address after the move; nullopt if the move does not affect it.
std::optional<std::string> renamed(const Move& move, const std::string& address) {
    if (!is_moved(move, address)) return std::nullopt;
    return move.to + address.substr(move.from.size());
}

/// Combines consecutive moves into one, from the address in the state.
void note(Moves& moved, const Moves& now) {
    Moves begin = now;
    for (auto& [first, last] : moved) {
        const auto next = now.find(last);
        if (next == now.end()) continue;
        begin.erase(last);
        last = next->second;
    }
    for (const auto& [from, to] : begin) moved.emplace(from, to);
    std::erase_if(moved, [](const auto& move) { return move.first == move.second; });
}

/// Keeps moves in the order of the spec, except that the move of a part comes before the move of
/// the whole, because the more specific entry takes precedence.
std::vector<Move> specific_first(const std::vector<Move>& moves) {
    std::vector<Move> out;
    for (const Move& move : moves)
        out.insert(std::find_if(out.begin(), out.end(),
                                [&](const Move& other) {
                                    return move.from != other.from && within(move.from, other.from);
                                }),
                   move);
    return out;
}

/// The moves of recorded addresses that an entry of `moved:` causes.
Moves resolved(const PriorState& prior, const Move& move, Diagnostics& diagnostics) {
    Moves out;
    for (const auto& [address, r] : prior.recorded)
        if (const auto to = renamed(move, address)) out.emplace(address, *to);
    for (const auto& [from, to] : out) {
        if (!prior.recorded.contains(to) || out.contains(to)) continue;
        diagnostics
            .add(fmt::format("moved: {} can't become {}, which exists already", from, to), move.loc)
            .hint = "remove one of the two addresses from the spec, or destroy the object of the "
                    "second one first";
    }
    return out;
}

/// Changes all keys simultaneously.
template<class Map>
void move_keys(Map& map, const Moves& moves) {
    std::vector<typename Map::node_type> moved;
    for (const auto& [from, to] : moves)
        if (auto node = map.extract(from)) {
            if constexpr (requires { node.key(); })
                node.key() = to;
            else
                node.value() = to;
            moved.push_back(std::move(node));
        }
    for (auto& node : moved) map.insert(std::move(node));
}

} // namespace

const std::string& address_now(const Moves& moves, const std::string& before) {
    const auto it = moves.find(before);
    return it == moves.end() ? before : it->second;
}

std::vector<std::string> moved_from(const std::string& before, const PriorState& prior) {
    std::vector<std::string> out;
    for (const auto& [from, to] : prior.moved)
        if (within(from, before)) out.push_back(to);
    return out;
}

Value with_machines_moved(const Value& v, const Moves& moves) {
    Value out = v;
    if (v.is_map() && v.has("machine") && v.has("address")) {
        const auto it = moves.find(v.text("machine"));
        if (it != moves.end()) out = v.with("machine", it->second);
    } else if (v.is_map()) {
        for (const Entry& e : v.as_map())
            if (e.value.is_map() || e.value.is_list())
                out = out.with(e.key, with_machines_moved(e.value, moves));
    } else if (v.is_list()) {
        Value::List items;
        for (const Value& item : v.as_list()) items.push_back(with_machines_moved(item, moves));
        out = Value::list(std::move(items)).at(v.loc());
        if (v.secret()) out = out.as_secret();
    }
    return out;
}

bool is_moved(const Move& move, const std::string& address) {
    if (!within(address, move.from)) return false;
    if (address == move.from) return true;
    // the move was made by an earlier plan, unless the new address is the old one without a key
    if (within(address, move.to) && !within(move.from, move.to)) return false;
    const bool to_instance = within(move.to, move.from) && move.to[move.from.size()] == '[';
    return !to_instance || address[move.from.size()] == '.';
}

PriorState moved_prior_state(PriorState prior, const Moves& moves) {
    if (moves.empty()) return prior;
    move_keys(prior.recorded, moves);
    move_keys(prior.unfinished, moves);
    move_keys(prior.interrupted, moves);
    move_keys(prior.attempted, moves);
    move_keys(prior.observed, moves);
    for (auto& [address, r] : prior.recorded) {
        r.address = address;
        for (std::string& d : r.depends_on) d = address_now(moves, d);
        r.config = with_machines_moved(r.config, moves);
        r.attributes = with_machines_moved(r.attributes, moves);
    }
    note(prior.moved, moves);
    return prior;
}

PriorState with_moves(PriorState prior, const std::vector<Move>& moves) {
    Diagnostics diagnostics;
    for (const Move& move : specific_first(moves)) {
        const Moves now = resolved(prior, move, diagnostics);
        diagnostics.throw_if_any();
        prior = moved_prior_state(std::move(prior), now);
    }
    return prior;
}

Moves with_room(const Moves& moves, const PriorState& prior) {
    Moves out;
    for (const auto& [from, to] : moves)
        if (prior.recorded.contains(from)) out.emplace(from, to);
    std::set<std::string> taken;
    for (const auto& [from, to] : out) taken.insert(to);
    for (const auto& [from, to] : Moves(out)) {
        // generation numbers of a resource must be unique
        const std::int64_t generation = prior.recorded.at(from).generation;
        for (const std::string& there : {to, generation_address(to, generation)}) {
            if (!prior.recorded.contains(there) || out.contains(there)) continue;
            std::int64_t number = generation + 1;
            while (prior.recorded.contains(generation_address(to, number)) ||
                   !taken.insert(generation_address(to, number)).second)
                ++number;
            out.emplace(there, generation_address(to, number));
        }
    }
    return out;
}

std::vector<RecordedResource> changed_records(const PriorState& before, const PriorState& after) {
    std::vector<RecordedResource> out;
    for (const auto& [address, r] : after.recorded) {
        const auto was = before.recorded.find(address);
        const bool same = was != before.recorded.end() && was->second.config == r.config &&
                          was->second.attributes == r.attributes &&
                          was->second.depends_on == r.depends_on;
        if (!same) out.push_back(r);
    }
    return out;
}

void note_moves(Plan& plan, const PriorState& prior) {
    if (prior.moved.empty()) return;
    // updates all records, because the move of a machine changes the connections of its resources
    std::vector<RecordedResource> all;
    for (const auto& [address, r] : prior.recorded)
        if (!prior.unfinished.contains(address)) all.push_back(r);
    plan.records.insert(plan.records.begin(), all.begin(), all.end());
    plan.moves = prior.moved;
}

} // namespace hadeploy
