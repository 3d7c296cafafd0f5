#pragma once

#include "chaos/managers.h"
#include "engine/observe.h"
#include "planner/plan/prior_state.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::chaos {

/// A volume and its bricks, as recorded by the last apply.
struct GlusterVolume {
    std::string name;
    std::vector<std::string> bricks; ///< HOST:PATH
};

/// Why the volumes are not in their steady state, one reason per line, for display.
/// @param seen   the attributes of a `gluster.cluster`
/// @param check  "quorum": more than half of each volume's bricks are online; "heal": no entry has
/// to be healed; "split-brain": no entry is in split-brain; "": all three
std::vector<std::string> gluster_problems(const Value& seen,
                                          const std::vector<GlusterVolume>& volumes,
                                          std::string_view check);

/// The volumes that the records contain.
std::vector<GlusterVolume> recorded_volumes(const PriorState& prior);

/// A Gluster pool as observed from outside.
class Gluster {
  public:
    virtual ~Gluster() = default;
    /// @throws Error(unreachable) if no host of the pool answers
    virtual std::vector<std::string> problems(std::string_view check) = 0;
};

/// The pool of these hosts, read through the provider of `gluster.cluster`.
std::unique_ptr<Gluster> open_gluster(Endpoints& endpoints, const ProviderSettings& settings,
                                      HostSource hosts, std::vector<GlusterVolume> volumes);

} // namespace hadeploy::chaos
