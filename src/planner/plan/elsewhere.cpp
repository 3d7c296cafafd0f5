#include "planner/plan/elsewhere.h"

#include "core/secrecy.h"
#include "core/text.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

/// Whether an object belongs to one environment only. The key pairs and random values of a state
/// exist only in it, and a machine that hadeploy did not create can serve several environments.
bool is_exclusive(const Registry& registry, const ResourceType& type) {
    return !registry.provider(type.provider)->state_only &&
           !(type.machine && !type.removal_ends_machine);
}

std::string owner_of(const Elsewhere::Holder& holder) {
    return fmt::format("the environment {} ({})", in_quotes(holder.environment), holder.address);
}

/// The first object of another environment that a removal would remove.
const std::pair<const std::string, Elsewhere::Holder>*
removed_elsewhere(const Elsewhere& elsewhere, const ResourceType& type, const Value& config) {
    for (const std::string& claim : type.claims(config))
        if (const auto it = elsewhere.claims.find(claim); it != elsewhere.claims.end()) return &*it;
    const std::string within = type.takes_along(config);
    if (within.empty()) return nullptr;
    const auto it = elsewhere.claims.lower_bound(within);
    return it != elsewhere.claims.end() && it->first.starts_with(within) ? &*it : nullptr;
}

void leave_to_environments(Step& step, const Value& config, const Elsewhere& elsewhere) {
    std::vector<std::string> kept;
    if (!step.after.is_null() && step.action != Action::replace)
        kept = step.type->shares(step.after);
    for (const std::string& name : step.type->shares(config))
        if (const auto other = elsewhere.shares.find(name);
            other != elsewhere.shares.end() &&
            std::find(kept.begin(), kept.end(), name) == kept.end())
            step.left_to.emplace(name, other->second.identity);
}

} // namespace

void add_elsewhere(Elsewhere& elsewhere, const std::string& environment, const PriorState& state,
                   const Registry& registry) {
    for (const auto& [address, recorded] : state.recorded) {
        const ResourceType* type = registry.type(recorded.type);
        if (type == nullptr || !is_exclusive(registry, *type)) continue;
        const Elsewhere::Holder holder{environment, address, recorded.identity};
        for (std::string& claim : type->claims(recorded.config))
            elsewhere.claims.emplace(std::move(claim), holder);
        for (std::string& name : type->shares(recorded.config))
            elsewhere.shares.emplace(std::move(name), holder);
    }
}

void refuse_elsewhere(const Elsewhere& elsewhere, const Registry& registry,
                      const ResourceType& type, const Value& config) {
    if (elsewhere.claims.empty() || type.data || !is_exclusive(registry, type)) return;
    for (const std::string& claim : type.claims(config)) {
        const auto it = elsewhere.claims.find(claim);
        if (it == elsewhere.claims.end()) continue;
        throw Error(
            ErrorKind::conflict,
            fmt::format("{} belongs to {}", without_secrets(claim, config), owner_of(it->second)))
            .with_hint("give each environment a name of its own, for example with "
                       "\"${env.name}\", or manage the object in one environment only");
    }
}

void protect_elsewhere(Plan& plan, const PriorState& prior, const Registry& registry,
                       Diagnostics& diagnostics) {
    const Elsewhere& elsewhere = prior.elsewhere;
    if (elsewhere.claims.empty() && elsewhere.shares.empty()) return;
    for (Step& step : plan.steps) {
        const auto recorded = prior.recorded.find(step.address);
        if (step.type == nullptr || recorded == prior.recorded.end() ||
            recorded->second.type != step.type->name || !is_exclusive(registry, *step.type))
            continue;
        const Value& config = recorded->second.config;
        leave_to_environments(step, config, elsewhere);
        if (step.action != Action::remove && step.action != Action::replace) continue;
        const auto* other = removed_elsewhere(elsewhere, *step.type, config);
        if (other == nullptr) continue;
        Error error(ErrorKind::conflict,
                    fmt::format("its removal would remove {}, which belongs to {}",
                                without_secrets(other->first, config), owner_of(other->second)),
                    step.loc);
        error.address = step.address;
        diagnostics.add(std::move(error))
            .with_hint(fmt::format("`hadeploy state rm {}` removes the resource from this state "
                                   "and leaves the object",
                                   shell_word(resource_address(step.address))));
    }
}

} // namespace hadeploy
