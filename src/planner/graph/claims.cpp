#include "planner/graph/claims.h"

#include "core/secrecy.h"
#include "planner/graph/ignored.h"
#include "planner/graph/reference_hints.h"
#include "provider_api/part.h"

#include <algorithm>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

namespace {

struct Interval {
    std::uint32_t first = 0, last = 0;
};

/// The addresses of a CIDR in canonical form, or of a single address.
Interval interval(const std::string& text) {
    const std::size_t slash = text.find('/');
    in_addr address{};
    inet_pton(AF_INET, text.substr(0, slash).c_str(), &address);
    const int bits = slash == text.npos ? 32 : std::stoi(text.substr(slash + 1));
    const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
    const std::uint32_t first = ntohl(address.s_addr) & mask;
    return {first, first | ~mask};
}

/// Whether a resource depends, directly or indirectly, on another one.
bool has_dependency(const Graph& graph, NodeId id, NodeId on) {
    std::vector<NodeId> todo{id};
    std::set<NodeId> seen;
    while (!todo.empty()) {
        const NodeId next = todo.back();
        todo.pop_back();
        for (const NodeId d : graph[next].deps) {
            if (d == on) return true;
            if (seen.insert(d).second) todo.push_back(d);
        }
    }
    return false;
}

Error error_of(const Node& node, std::string message, Loc loc) {
    Error error(ErrorKind::spec, std::move(message), loc.known() ? loc : node.block->loc);
    error.address = node.address;
    return error;
}

} // namespace

void Claims::add(const Node& node, const Value& config) {
    ports_.add(node, config);
    for (const std::string& name : node.type->claims(config)) {
        const auto [it, fresh] = names_.emplace(name, &node);
        if (fresh || ports_.covers(name)) continue;
        const std::string shown = without_secrets(name, config);
        if (it->second == &node) {
            duplicates_.push_back(Error(ErrorKind::spec,
                                        fmt::format("{} claims {} twice", node.address, shown),
                                        node.block->loc));
            continue;
        }
        Error error(
            ErrorKind::spec,
            fmt::format("{} and {} both manage {}", it->second->address, node.address, shown),
            node.block->loc);
        duplicates_.push_back(std::move(error)
                                  .with_note("the other one is here", it->second->block->loc)
                                  .with_hint("change one of them, or remove it"));
    }
    if (const std::string group = node.type->votes_in(config); !group.empty())
        ++voters_[without_secrets(group, config)];
    for (std::string& name : node.type->needs(config)) needs_.emplace_back(&node, std::move(name));
    for (const NetworkUse& use : node.type->networks(config))
        (use.range.empty() ? addresses_ : ranges_).push_back({&node, use, config});
}

void Claims::check(Diagnostics& diagnostics) const {
    for (const Error& e : duplicates_) diagnostics.add(e);
    ports_.check(diagnostics);
    check_ranges(diagnostics);
    std::map<std::string, const Range*> by_name;
    for (const Range& r : ranges_) by_name.emplace(r.use.network, &r);
    for (const Range& a : addresses_) {
        const auto it = by_name.find(a.use.network);
        if (it == by_name.end()) continue; // the network is not managed here
        const Interval range = interval(it->second->use.range);
        const std::uint32_t address = interval(a.use.address).first;
        const bool inside = address >= range.first && address <= range.last;
        // a network of one or two addresses has neither a network nor a broadcast address
        const bool reserved =
            range.last - range.first > 1 && (address == range.first || address == range.last);
        const std::string& own = it->second->use.address;
        const bool hosts = !own.empty() && address == interval(own).first;
        if (inside && !reserved && !hosts) continue;
        const std::string why =
            !inside ? "is not in"
            : hosts ? "can't be a machine's address: it is the host's own address in"
                    : "can't be a machine's address: it is the network or broadcast address of";
        diagnostics.add(
            error_of(*a.node,
                     fmt::format("the address {} {} the network {}",
                                 without_secrets(a.use.address, a.config), why,
                                 without_secrets(it->second->use.range, it->second->config)),
                     a.use.loc)
                .with_note(it->second->node->address + " is here", it->second->node->block->loc)
                .with_hint("choose a different address in the network"));
    }
}

std::vector<std::string> Claims::remarks(const Graph& graph) const {
    std::vector<std::string> out = bare_references(graph);
    for (const auto& [group, n] : voters_)
        if (n % 2 == 0)
            out.push_back(fmt::format(
                "{} has {} managers: an even number tolerates no more failures than {} would",
                group, n, n - 1));
    add_unordered(graph, out);
    return out;
}

/// Reports only the first pair among the instances of two blocks.
void Claims::add_unordered(const Graph& graph, std::vector<std::string>& remarks) const {
    std::set<std::pair<const ResourceBlock*, const ResourceBlock*>> reported;
    for (const auto& [node, name] : needs_) {
        const Node* other = owner(name);
        if (other == nullptr || other == node || reported.contains({node->block, other->block}))
            continue;
        const auto id = graph.find(node->address), needed = graph.find(other->address);
        if (!id || !needed || has_dependency(graph, *id, *needed)) continue;
        reported.emplace(node->block, other->block);
        const std::string how = node->scope == other->scope
                                    ? fmt::format("add `depends_on: [{}]`", other->block->name)
                                    : "name the module in `depends_on`";
        remarks.push_back(fmt::format("{} needs {} ({}), but does not depend on it, so the order "
                                      "in which they are applied is not defined: {}",
                                      node->address, other->address, other->type->name, how));
    }
}

void Claims::check_ranges(Diagnostics& diagnostics) const {
    std::vector<const Range*> sorted;
    for (const Range& r : ranges_) sorted.push_back(&r);
    std::stable_sort(sorted.begin(), sorted.end(), [](const Range* a, const Range* b) {
        return std::pair(std::string_view(a->use.space), interval(a->use.range).first) <
               std::pair(std::string_view(b->use.space), interval(b->use.range).first);
    });
    const Range* widest = nullptr; // the previous range of the same space that ends last
    for (const Range* r : sorted) {
        if (widest != nullptr && widest->use.space != r->use.space) widest = nullptr;
        const Interval here_range = interval(r->use.range);
        const Range* last = widest;
        if (widest == nullptr || here_range.last > interval(widest->use.range).last) widest = r;
        if (last == nullptr || here_range.first > interval(last->use.range).last) continue;
        const Range &before = *last, &here = *r;
        diagnostics.add(error_of(*here.node,
                                 fmt::format("the network {} overlaps with {} of {}",
                                             without_secrets(here.use.range, here.config),
                                             without_secrets(before.use.range, before.config),
                                             before.node->address),
                                 here.use.loc)
                            .with_note("that one is here", before.node->block->loc)
                            .with_hint("give one of them a different range"));
    }
}

namespace {

/// The node of the object to which a part belongs: the only one that its attribute refers to, or
/// the one with this ID.
std::optional<NodeId> whole_of(const Graph& graph, const std::vector<Value>& values, NodeId part,
                               const std::string& attribute) {
    const std::vector<NodeId> sources = graph.sources(part, attribute);
    if (sources.size() == 1) return sources.front();
    const Value& wanted = values[part][attribute];
    if (!wanted.is_string()) return {};
    for (NodeId id = 0; id < values.size(); ++id)
        if (values[id]["id"] == wanted) return id;
    return {};
}

} // namespace

void check_parts(const Graph& graph, const std::vector<Value>& values, Diagnostics& diagnostics) {
    for (const NodeId id : graph.order()) {
        const Node& node = graph[id];
        const auto* part = dynamic_cast<const PartOf*>(node.type);
        if (part == nullptr || !values[id].is_map()) continue;
        const auto at = whole_of(graph, values, id, part->whole());
        if (!at || !values[*at].is_map()) continue;
        const Node& whole = graph[*at];
        const std::string by = part->listed_by(*whole.type, values[*at], values[id]);
        if (by.empty() || whole.lifecycle().ignore_all || is_ignored(whole.lifecycle(), by))
            continue;
        diagnostics.add(error_of(node,
                                 fmt::format("{} is a part of {}, which lists all its parts in "
                                             "`{}`: they would undo each other's changes",
                                             node.address, whole.address, by),
                                 {})
                            .with_note(whole.address + " is here", whole.block->loc)
                            .with_hint(fmt::format("move it into `{0}`, or remove `{0}`", by)));
    }
}

} // namespace hadeploy
