#pragma once

#include "engine/observe.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::chaos {

/// @throws Error if no provider has the type
const ResourceType& type_named(const Registry& registry, std::string_view name);

/// Returns a map of connections. It is called again when none of them works, because an apply can
/// have replaced the machines in the meantime.
using HostSource = std::function<Value()>;

/// The endpoints of a resource type that every manager of the swarm can serve.
class Managers {
  public:
    Managers(Endpoints& endpoints, const ProviderSettings& settings, const ResourceType& type,
             HostSource source);

    /// The map of connections in use.
    [[nodiscard]] const Value& hosts() const { return hosts_; }

    /// Calls the function for one endpoint after the other until it does not throw, beginning with
    /// the endpoint that worked most recently. If all fail, it tries new connections, if there are
    /// any.
    /// @throws Error(unreachable) with the message `failure` and the error of each endpoint
    void try_each(std::string failure, const std::function<void(OpenEndpoint&)>& work);

  private:
    void use(Value hosts);
    bool try_places(Error& failures, const std::function<void(OpenEndpoint&)>& work);

    Endpoints& endpoints_;
    const ProviderSettings& settings_;
    const ResourceType& type_;
    HostSource source_;
    Value hosts_;
    std::vector<Endpoint> places_;
    std::size_t first_ = 0; ///< index of the endpoint that worked most recently
};

} // namespace hadeploy::chaos
