#include "chaos/managers.h"

#include <fmt/format.h>

namespace hadeploy::chaos {

const ResourceType& type_named(const Registry& registry, std::string_view name) {
    if (const ResourceType* type = registry.type(name)) return *type;
    throw Error(ErrorKind::failed, fmt::format("no provider serves {}", name));
}

Managers::Managers(Endpoints& endpoints, const ProviderSettings& settings, const ResourceType& type,
                   HostSource source)
    : endpoints_(endpoints), settings_(settings), type_(type), source_(std::move(source)) {
    use(source_());
}

void Managers::use(Value hosts) {
    hosts_ = std::move(hosts);
    const std::string& provider = type_.provider;
    places_ = endpoints_.registry().provider(provider)->endpoints(
        type_, Value::map({{"hosts", hosts_}}), settings_.at(provider));
    first_ = 0;
}

void Managers::try_each(std::string failure, const std::function<void(OpenEndpoint&)>& work) {
    Error failures(ErrorKind::unreachable, std::move(failure));
    if (try_places(failures, work)) return;
    if (Value now = source_(); now != hosts_) {
        Error again(failures.kind, failures.message);
        use(std::move(now));
        if (try_places(again, work)) return;
        throw again;
    }
    throw failures;
}

bool Managers::try_places(Error& failures, const std::function<void(OpenEndpoint&)>& work) {
    for (std::size_t n = 0; n < places_.size(); ++n) {
        const std::size_t at = (first_ + n) % places_.size();
        const Endpoint& place = places_[at];
        try {
            work(*endpoints_.open(type_.provider, place));
            first_ = at;
            return true;
        } catch (const Error& error) {
            failures.with_note(fmt::format("{}: {}", place.key, error.message));
            if (failures.hint.empty()) failures.with_hint(error.hint);
        }
    }
    return false;
}

} // namespace hadeploy::chaos
