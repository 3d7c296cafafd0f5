#include "planner/plan/generations.h"

#include "core/secrecy.h"
#include "core/uuid.h"
#include "planner/plan/decide.h"
#include "planner/plan/lifecycle.h"
#include "planner/plan/observed.h"
#include "provider_api/lifecycle_keys.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

/// Whether two configs describe the same real object, as far as configs show it.
bool same_object(const ResourceType& type, const Value& a, const Value& b) {
    return std::none_of(type.schema.begin(), type.schema.end(), [&](const Attribute& attribute) {
        return attribute.replaces && differs(attribute, a[attribute.name], b[attribute.name]);
    });
}

} // namespace

std::string identity_of(const std::string& lineage, const std::string& address,
                        std::int64_t generation) {
    return uuid_v5(lineage, fmt::format("{}#{}", address, generation));
}

std::int64_t NewGenerations::next(const std::string& address, std::int64_t first) {
    if (identities_.empty())
        for (const auto& [other, r] : prior_.recorded) identities_.insert(r.identity);
    const auto is_taken = [&] {
        return identities_.contains(identity_of(prior_.lineage, address, first)) ||
               prior_.recorded.contains(generation_address(address, first));
    };
    while (!identities_.empty() && is_taken()) ++first;
    return first;
}

namespace {
/// The first generation after the recorded one whose creation was begun and that matches the
/// config.
std::optional<std::int64_t> begun(const ResourceType& type, const Value& config,
                                  const RecordedResource& recorded, const PriorState& prior) {
    const std::string prefix = recorded.address + "#";
    std::optional<std::int64_t> out;
    for (auto it = prior.recorded.lower_bound(prefix);
         it != prior.recorded.end() && it->first.starts_with(prefix); ++it) {
        const RecordedResource& r = it->second;
        const bool fits = prior.unfinished.contains(it->first) && r.type == type.name &&
                          r.generation > recorded.generation && same_object(type, config, r.config);
        if (fits && (!out || r.generation < *out)) out = r.generation;
    }
    return out;
}
} // namespace

bool is_begun(const ResourceType& type, const Value& config, const RecordedResource& recorded,
              const PriorState& prior) {
    return begun(type, config, recorded, prior).has_value();
}

std::int64_t next_generation(const ResourceType& type, const Value& config,
                             const RecordedResource& recorded, const PriorState& prior,
                             NewGenerations& fresh) {
    const auto there = begun(type, config, recorded, prior);
    return there ? *there : fresh.next(recorded.address, recorded.generation + 1);
}

void refuse_shared_names(const Graph& graph, const Node& node, const Value& config,
                         const RecordedResource& recorded, const Value& now) {
    const ResourceType* type = graph.registry().type(recorded.type);
    if (type == nullptr) return;
    std::vector<std::string> old = type->claims(recorded.config);
    for (std::string& name : type->claims(recorded.config.with_all(now)))
        old.push_back(std::move(name));
    for (const std::string& name : node.type->claims(config)) {
        if (std::find(old.begin(), old.end(), name) == old.end()) continue;
        const std::string shown = without_secrets(name, config);
        if (recorded.type != node.type->name)
            throw Error(ErrorKind::spec,
                        fmt::format("{} was a {}: the new and the old object would both be {}",
                                    node.address, recorded.type, shown),
                        node.block->loc)
                .with_hint("remove the block, apply, then add the new block");
        Error error(ErrorKind::spec,
                    fmt::format("create_before_destroy: the new and the old {} would both be {}",
                                node.address, shown),
                    node.block->loc);
        error.address = node.address;
        error.hint = "make the changed value part of its name, or remove create_before_destroy";
        if (node.creates_first() && !node.lifecycle().create_before_destroy)
            error.hint = "make the changed value part of its name, or set create_before_destroy: "
                         "false in its lifecycle";
        if (node.creates_first()) throw error;
        if (config.flag(kKeepOnDestroy)) {
            error.message = fmt::format(
                "keep_on_destroy: the new {} and the old one, which is kept, would both be {}",
                node.address, shown);
            error.hint = "make the changed value part of its name, or remove keep_on_destroy";
            throw error;
        }
        for (const Node& n : graph.nodes()) {
            const bool rests_on_it =
                n.create_first &&
                std::find(n.deps.begin(), n.deps.end(), *graph.find(node.address)) != n.deps.end();
            if (rests_on_it)
                throw error.with_note(fmt::format("{} is created before its old object is removed, "
                                                  "and so are its dependencies",
                                                  n.address),
                                      n.block->loc);
        }
        throw error;
    }
}

bool makes_first(const Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(),
                       [](const Step& s) { return s.create_first; });
}

PriorState with_old_generations(PriorState prior, const Plan& plan, const Registry& registry) {
    for (const Step& s : plan.steps) {
        if (!s.create_first) continue;
        const RecordedResource& now = prior.recorded.at(s.address);
        RecordedResource old = now;
        old.address = generation_address(s.address, old.generation);
        // an object of a different type was read as that type, under the address that it receives
        // here
        const ResourceType* type = registry.type(now.type);
        const std::string& read_as = type == s.type ? s.address : old.address;
        std::optional<Observation> seen; // an unknown type has none: add_removals() reports it
        if (type != nullptr)
            seen = observation_of(prior, registry, {read_as, type, now.config, &now, now.identity});
        if (seen) prior.observed.insert_or_assign(old.address, std::move(*seen));
        prior.recorded.insert_or_assign(old.address, std::move(old));
    }
    return prior;
}

} // namespace hadeploy
