#pragma once

#include "engine/observe.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::chaos {

/// @throws Error if no provider has the type
const ResourceType& type_named(const Registry& registry, std::string_view name);

/// The endpoints of a resource type that every manager of the swarm can serve.
class Managers {
  public:
    /// @param hosts  map of connections
    Managers(Endpoints& endpoints, const ProviderSettings& settings, const ResourceType& type,
             const Value& hosts);

    /// Calls the function for one endpoint after the other until it does not throw, beginning with
    /// the endpoint that worked most recently.
    /// @throws Error(unreachable) with the message `failure` and the error of each endpoint
    void try_each(std::string failure, const std::function<void(OpenEndpoint&)>& work);

  private:
    Endpoints& endpoints_;
    std::string provider_;
    std::vector<Endpoint> places_;
    std::size_t first_ = 0; ///< index of the endpoint that worked most recently
};

} // namespace hadeploy::chaos
