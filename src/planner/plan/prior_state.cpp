#include "planner/plan/prior_state.h"

namespace hadeploy {

Interruption interruption_of(const PriorState& world, const std::string& address) {
    if (world.unfinished.contains(address)) return {"create", {}};
    const auto it = world.interrupted.find(address);
    if (it == world.interrupted.end()) return {};
    const auto config = world.attempted.find(address);
    return {it->second, config == world.attempted.end() ? Value() : config->second};
}

bool machine_is_up(const PriorState& world, const std::string& address) {
    if (world.unfinished.contains(address)) return false;
    const auto it = world.observed.find(address);
    return it != world.observed.end() && it->second.state == Observation::State::present &&
           it->second.foreign.empty() && it->second.attributes.flag("running", true);
}

} // namespace hadeploy
