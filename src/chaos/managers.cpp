#include "chaos/managers.h"

#include <fmt/format.h>

namespace hadeploy::chaos {

const ResourceType& type_named(const Registry& registry, std::string_view name) {
    if (const ResourceType* type = registry.type(name)) return *type;
    throw Error(ErrorKind::failed, fmt::format("no provider serves {}", name));
}

Managers::Managers(Endpoints& endpoints, const ProviderSettings& settings, const ResourceType& type,
                   const Value& hosts)
    : endpoints_(endpoints), provider_(type.provider),
      places_(endpoints.registry().provider(provider_)->endpoints(
          type, Value::map({{"hosts", hosts}}), settings.at(provider_))) {}

void Managers::try_each(std::string failure, const std::function<void(OpenEndpoint&)>& work) {
    Error all(ErrorKind::unreachable, std::move(failure));
    for (std::size_t n = 0; n < places_.size(); ++n) {
        const std::size_t at = (first_ + n) % places_.size();
        const Endpoint& place = places_[at];
        try {
            work(*endpoints_.open(provider_, place));
            first_ = at;
            return;
        } catch (const Error& error) {
            all.with_note(fmt::format("{}: {}", place.key, error.message));
            if (all.hint.empty()) all.with_hint(error.hint);
        }
    }
    throw all;
}

} // namespace hadeploy::chaos
