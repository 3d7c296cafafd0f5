#include "planner/plan/observed.h"

#include "planner/graph/hide_secrets.h"
#include "planner/plan/decide.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

bool observed_gone(const PriorState& prior, const std::string& address) {
    const auto seen = prior.observed.find(address);
    return seen != prior.observed.end() && seen->second.state == Observation::State::absent;
}

Value read_config(const ResourceType& type, const Value& config, const RecordedResource* recorded) {
    if (recorded == nullptr || recorded->type != type.name) return config;
    const auto changed = [&](const Attribute& a) {
        return differs(a, config[a.name], recorded->config[a.name]);
    };
    if (std::none_of(type.schema.begin(), type.schema.end(),
                     [&](const Attribute& a) { return a.replaces && changed(a); }))
        return config;
    Value out = config;
    for (const Attribute& a : type.schema) {
        if (a.computed || !changed(a)) continue;
        const Value& before = recorded->config[a.name];
        out = before.is_null() ? out.without(a.name) : out.with(a.name, before);
    }
    return out;
}

void note_way_around(Error& error, std::string_view does) {
    if (error.kind != ErrorKind::conflict || error.address.empty()) return;
    error.with_note(fmt::format("`--exclude {}` {}", shell_word(error.address), does));
}

std::optional<Observation> observation_of(const PriorState& prior, const Registry& registry,
                                          const ReadRequest& request) {
    const auto read = prior.observed.find(request.address);
    if (read != prior.observed.end()) return read->second;
    const Provider& provider = *registry.provider(request.type->provider);
    if (!provider.state_only) return std::nullopt;
    Observation seen = provider.observe_record(request);
    hide_secrets(seen, request);
    return seen;
}

} // namespace hadeploy
