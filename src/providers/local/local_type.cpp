#include "providers/local/local_type.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::local {

Schema joined(Schema first, const Schema& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

Observation KeptType::observe(const ReadRequest& request, const ProviderContext&) const {
    if (request.recorded == nullptr || request.recorded->type != name) return Observation::absent();
    const Value& recorded = request.recorded->attributes;
    Value::Map kept;
    for (const Attribute& a : schema) {
        if (!a.computed) continue;
        const Value* value = recorded.find(a.name);
        if (value != nullptr && !value->contains_unknown()) kept.push_back({a.name, *value});
    }
    if (kept.empty()) return Observation::absent(); // a run was interrupted before the create
    Observation seen = Observation::present(Value::map(std::move(kept)));
    seen.replace_reason = replace_reason(request.config, recorded);
    return seen;
}

Attribute keepers_attribute() {
    return {.name = "keepers",
            .type = map_of(TypeKind::any),
            .doc = "If one of these values changes, the object is replaced.",
            .replaces = true};
}

const char* first_unknown(const Value& config, std::initializer_list<const char*> names) {
    const auto it = std::find_if(names.begin(), names.end(),
                                 [&](const char* name) { return config[name].contains_unknown(); });
    return it == names.end() ? nullptr : *it;
}

Observation not_known_yet(const char* attribute) {
    return Observation::blocked(
        Error(ErrorKind::failed, fmt::format("{} is known only after apply", attribute)));
}

} // namespace hadeploy::local
