#include "planner/plan_checks.h"

#include "planner/lifecycle.h"
#include "planner/moves.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <string_view>

namespace hadeploy {

namespace {

bool seen_gone(const World& world, const std::string& address) {
    const auto seen = world.observed.find(address);
    return seen != world.observed.end() && seen->second.state == Observation::State::absent;
}

/// What recorded objects that a plan leaves as they are claim, with their addresses.
std::map<std::string, std::string> kept_claims(const Plan& plan, const World& world,
                                               const Registry& registry) {
    std::set<std::string_view> changed;
    for (const Step& step : plan.steps)
        if (step.action != Action::forget) changed.insert(step.address);
    std::map<std::string, std::string> kept;
    for (const auto& [address, r] : world.recorded) {
        const ResourceType* type = registry.type(r.type);
        if (type == nullptr || changed.contains(address) || seen_gone(world, address)) continue;
        for (std::string& claim : type->claims(r.config)) kept.emplace(std::move(claim), address);
    }
    return kept;
}

} // namespace

void refuse_removal_of_kept_contents(const Plan& plan, const World& world, const Registry& registry,
                                     const Claims& claims, Problems& problems) {
    std::optional<std::map<std::string, std::string>> kept;
    for (const Step& step : plan.steps) {
        if (step.action != Action::remove) continue;
        const std::string prefix = step.type->takes_along(step.before);
        if (prefix.empty()) continue;
        if (!kept) kept = kept_claims(plan, world, registry);
        const auto refuse = [&](const std::string& address, const std::string& claim) {
            Error error(ErrorKind::spec,
                        fmt::format("the removal of {} would delete {}, which is kept ({})",
                                    step.address, address, claim),
                        step.loc);
            error.address = step.address;
            problems.add(std::move(error)).hint =
                "remove `force` and apply that first, or remove both of them";
        };
        const auto owned = claims.first_within(prefix);
        if (owned) refuse(owned->second->address, owned->first);
        for (auto it = kept->lower_bound(prefix);
             it != kept->end() && it->first.starts_with(prefix); ++it)
            if (!owned || it->second != owned->second->address) refuse(it->second, it->first);
    }
}

void refuse_moved_but_there(const Graph& graph, Problems& problems) {
    for (const Move& m : graph.spec().moved)
        for (const Node& n : graph.nodes()) {
            if (!is_moved(m, n.address)) continue;
            problems.add(fmt::format("moved: the spec still has {}", n.address), m.loc)
                .with_note("here", n.block->loc)
                .hint = "take out the move, or the block of the old name";
            break;
        }
}

void refuse_removed_but_there(const Graph& graph, Problems& problems) {
    for (const Dependency& r : graph.spec().removed)
        for (const Node& n : graph.nodes())
            if (within(n.address, r.name)) {
                problems.add(fmt::format("removed: the spec still has {}", n.address), r.loc)
                    .with_note("here", n.block->loc)
                    .hint = "take out the entry, or the block";
                break;
            }
}

void add_look_alike_notices(Plan& plan, const std::map<std::string, std::string>& look_alikes) {
    constexpr std::size_t most = 5;
    std::size_t count = 0;
    for (const auto& [made, removed] : look_alikes)
        if (++count <= most)
            plan.notices.push_back(fmt::format(
                "{0} is removed and {1}, which looks the same, is created; if it is the same "
                "one: moved: [{{from: '{0}', to: '{1}'}}]",
                removed, made));
    if (count > most) plan.notices.push_back(fmt::format("and {} more such pairs", count - most));
}

void add_unmatched_removed_notices(Plan& plan, const World& world, const Spec& spec) {
    if (plan.count(Action::remove) == 0) return;
    for (const Dependency& r : spec.removed)
        if (std::none_of(world.recorded.begin(), world.recorded.end(),
                         [&](const auto& entry) { return within(entry.first, r.name); }))
            plan.notices.push_back(
                fmt::format("removed: {} names nothing that the state has", r.name));
}

} // namespace hadeploy
