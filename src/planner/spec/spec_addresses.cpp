#include "planner/spec/spec_addresses.h"

#include "core/did_you_mean.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace hadeploy {

namespace {

/// The reason why the spec cannot have this address, regardless of variables; "" if it can.
std::string why_nowhere(const Module& root, const std::string& address,
                        std::vector<std::string>& known) {
    const Module* module = &root;
    std::string prefix;
    for (const AddressPart& part : parts_of_address(address)) {
        const bool is_module = part.name.starts_with("module.");
        const ModuleBlock* call = is_module ? module->module(part.name.substr(7)) : nullptr;
        const ResourceBlock* block = is_module ? nullptr : module->resource(part.name);
        if (call == nullptr && block == nullptr) {
            for (const ResourceBlock& b : module->resources)
                if (!b.data) known.push_back(prefix + b.name);
            for (const ModuleBlock& m : module->modules)
                known.push_back(prefix + "module." + m.name);
            return fmt::format("the spec has no {}", prefix + part.name);
        }
        const bool by_key =
            call != nullptr ? call->for_each != nullptr : block->for_each != nullptr;
        const bool by_index = call != nullptr ? call->count != nullptr : block->count != nullptr;
        if (!part.key.empty() && !(part.indexed ? by_index : by_key))
            return fmt::format("{} has no {}", prefix + part.name,
                               part.indexed ? "count" : "for_each");
        if (call != nullptr) module = call->module.get();
        prefix += part.name + ".";
    }
    return {};
}

/// Reports moves that form a cycle. Returns false if there are any.
bool check_circles(const std::vector<Move>& moves, Diagnostics& diagnostics) {
    std::map<std::string, const Move*> by_from;
    for (const Move& m : moves) by_from.emplace(m.from, &m);
    std::set<const Move*> done;
    bool good = true;
    for (const Move& m : moves) {
        std::vector<const Move*> way;
        const Move* at = &m;
        while (at != nullptr && done.insert(at).second) {
            way.push_back(at);
            const auto next = by_from.find(at->to);
            at = next == by_from.end() ? nullptr : next->second;
        }
        const auto first = std::find(way.begin(), way.end(), at);
        if (first == way.end()) continue;
        good = false;
        Error& error = diagnostics.add("moved: these moves form a cycle", (*first)->loc);
        error.hint = "`to` must be the current name of a block";
        for (auto it = first; it != way.end(); ++it)
            error.with_note(fmt::format("{} becomes {}", (*it)->from, (*it)->to), (*it)->loc);
    }
    return good;
}

void check_twice(const std::vector<Move>& moves, Diagnostics& diagnostics) {
    std::map<std::string, const Move*> from, to;
    for (const Move& m : moves) {
        if (const auto [it, fresh] = from.emplace(m.from, &m); !fresh)
            diagnostics.add(fmt::format("moved: {} is moved twice", m.from), m.loc)
                .with_note("first here", it->second->loc)
                .hint = "keep the move to the current name of the block";
        if (const auto [it, fresh] = to.emplace(m.to, &m); !fresh)
            diagnostics.add(fmt::format("moved: two moves lead to {}", m.to), m.to_loc)
                .with_note("the other one is here", it->second->to_loc)
                .hint =
                "only one object can have an address: keep the move of the object that exists";
    }
}

/// Sorts the moves of a chain. (Kahn's algorithm; cycles have been reported. Moves that overlap in
/// other ways keep their order.)
void put_in_order(std::vector<Move>& moves) {
    std::vector<std::vector<std::size_t>> later(moves.size());
    std::vector<std::size_t> waits(moves.size());
    for (std::size_t i = 0; i < moves.size(); ++i)
        for (std::size_t k = 0; k < moves.size(); ++k)
            if (i != k &&
                (within(moves[i].from, moves[k].to) || within(moves[k].to, moves[i].from)))
                later[k].push_back(i), ++waits[i];
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < moves.size(); ++i)
        if (waits[i] == 0) order.push_back(i);
    for (std::size_t next = 0; next < order.size(); ++next)
        for (const std::size_t i : later[order[next]])
            if (--waits[i] == 0) order.push_back(i);
    if (order.size() != moves.size()) return;
    std::vector<Move> out;
    for (const std::size_t i : order) out.push_back(std::move(moves[i]));
    moves = std::move(out);
}

void check_ends(const Spec& spec, Diagnostics& diagnostics) {
    for (const Move& m : spec.moved) {
        const bool continues =
            std::any_of(spec.moved.begin(), spec.moved.end(),
                        [&](const Move& n) { return &n != &m && within(m.to, n.from); });
        if (continues) continue;
        std::vector<std::string> known;
        const std::string why = why_nowhere(spec.root, m.to, known);
        if (why.empty()) continue;
        Error& error = diagnostics.add(
            fmt::format("moved: {} can't become {}: {}", m.from, m.to, why), m.to_loc);
        const auto close = did_you_mean(m.to, known);
        error.hint = close ? fmt::format("did you mean {}?", *close)
                           : "`to` is the current name of the block; delete the move if the spec "
                             "no longer has it";
    }
}

void check_removed(const Spec& spec, Diagnostics& diagnostics) {
    std::map<std::string, Loc> seen;
    for (const Dependency& r : spec.removed) {
        if (const auto [it, fresh] = seen.emplace(r.name, r.loc); !fresh)
            diagnostics.add(fmt::format("removed: {} is listed twice", r.name), r.loc)
                .with_note("first here", it->second)
                .hint = "one entry is enough";
        for (const Move& m : spec.moved) {
            if (!within(r.name, m.from)) continue;
            diagnostics.add(fmt::format("{} is both removed and moved", r.name), r.loc)
                .with_note(fmt::format("{} becomes {}", m.from, m.to), m.loc)
                .hint = "moves are made first: list the new address under `removed:`";
        }
    }
}

} // namespace

void check_spec_addresses(Spec& spec, Diagnostics& diagnostics) {
    const bool whole = diagnostics.empty(); // a block that could not be read counts as missing
    check_twice(spec.moved, diagnostics);
    if (check_circles(spec.moved, diagnostics)) {
        if (whole) check_ends(spec, diagnostics);
        put_in_order(spec.moved);
    }
    check_removed(spec, diagnostics);
}

} // namespace hadeploy
