#pragma once

#include "chaos/fault.h"
#include "engine/observe.h"
#include "provider_api/fault_undo.h"

#include <memory>

namespace hadeploy::chaos {

/// The faults of a project, injected through the providers.
class Faults : public Injector {
  public:
    struct Listing {
        std::vector<fault::Record> active; ///< sorted by node; includes faults of other projects
        /// Why hosts could not be queried, one reason per host: "node3: no route to host".
        std::vector<std::string> unread;
    };
    virtual Listing list() = 0;
    /// @param force  accept the loss of a volume's quorum
    /// @throws Error if the fault cannot be injected: no connection to the node, no libvirt
    /// machine, the node already has a fault, or too few replicas of a volume would be left
    virtual void check(const Fault& fault, bool force) = 0;
    /// Ends all faults of the project.
    /// @return  the faults that were active
    /// @throws Error if a fault could not be ended, or a host could not be queried
    virtual std::vector<fault::Record> halt() = 0;
};

/// @param hosts  map of connections: the swarm's managers
/// @param prior  contains the nodes and their machines
std::unique_ptr<Faults> open_faults(Endpoints& endpoints, const ProviderSettings& settings,
                                    const Value& hosts, const PriorState& prior);

} // namespace hadeploy::chaos
