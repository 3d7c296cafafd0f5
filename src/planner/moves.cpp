#include "planner/moves.h"

#include "planner/lifecycle.h"

#include <fmt/format.h>

namespace hadeploy {

namespace {

using Renamed = std::map<std::string, std::string>;

/// What the move calls an address that it is about.
std::optional<std::string> renamed(const Move& move, const std::string& address) {
    if (!is_moved(move, address)) return std::nullopt;
    return move.to + address.substr(move.from.size());
}

std::string name_now(const Renamed& names, const std::string& before) {
    const auto it = names.find(before);
    return it == names.end() ? before : it->second;
}

/// Connections name the machine that they lead to.
Value with_machines_renamed(const Value& v, const Renamed& names) {
    Value out = v;
    if (v.is_map() && v.has("machine") && v.has("address")) {
        const auto it = names.find(v.text("machine"));
        if (it != names.end()) out = v.with("machine", it->second);
    } else if (v.is_map()) {
        for (const Entry& e : v.as_map())
            if (e.value.is_map() || e.value.is_list())
                out = out.with(e.key, with_machines_renamed(e.value, names));
    } else if (v.is_list()) {
        Value::List items;
        for (const Value& item : v.as_list()) items.push_back(with_machines_renamed(item, names));
        out = Value::list(std::move(items)).at(v.loc());
        if (v.secret()) out = out.as_secret();
    }
    return out;
}

/// Two moves one after the other are one from where the state has it.
void note(Renamed& moved, const std::string& from, const std::string& to) {
    for (auto& [first, last] : moved)
        if (last == from) {
            last = to;
            return;
        }
    moved.emplace(from, to);
}

void move_records(World& world, const Move& move, Renamed& names, Problems& problems) {
    Renamed now;
    for (const auto& [address, r] : world.recorded)
        if (const auto to = renamed(move, address)) now.emplace(address, *to);
    for (const auto& [from, to] : now) {
        if (world.interrupted.contains(from)) {
            problems
                .add(fmt::format("{} can't be moved: an earlier run did not finish with it", from),
                     move.loc)
                .hint = "apply once without the move";
        } else if (world.recorded.contains(to)) {
            problems
                .add(fmt::format("{} can't be moved: there is a {} already", from, to), move.loc)
                .hint = "leave one of the two names out of the spec, or remove the other one first";
        } else {
            auto node = world.recorded.extract(from);
            node.key() = to;
            node.mapped().address = to;
            world.recorded.insert(std::move(node));
            names[from] = to;
        }
    }
}

} // namespace

bool is_moved(const Move& move, const std::string& address) {
    if (!within(address, move.from)) return false;
    if (address == move.from) return true;
    if (within(address, move.to)) return false; // it was moved before
    const bool to_instance = within(move.to, move.from) && move.to[move.from.size()] == '[';
    return !to_instance || address[move.from.size()] == '.';
}

World with_moves(World world, const std::vector<Move>& moves) {
    Problems problems;
    for (const Move& move : moves) {
        Renamed names;
        move_records(world, move, names, problems);
        if (names.empty()) continue;
        for (auto& [address, r] : world.recorded) {
            for (std::string& d : r.depends_on) d = name_now(names, d);
            r.config = with_machines_renamed(r.config, names);
            r.attributes = with_machines_renamed(r.attributes, names);
        }
        for (const auto& [from, to] : names) note(world.moved, from, to);
    }
    problems.throw_if_any();
    return world;
}

std::vector<Recorded> changed_records(const World& before, const World& after) {
    std::vector<Recorded> out;
    for (const auto& [address, r] : after.recorded) {
        const auto was = before.recorded.find(address);
        const bool same = was != before.recorded.end() && was->second.config == r.config &&
                          was->second.attributes == r.attributes &&
                          was->second.depends_on == r.depends_on;
        if (!same) out.push_back(r);
    }
    return out;
}

} // namespace hadeploy
