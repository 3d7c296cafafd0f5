#include "planner/plan/prior_state.h"

namespace hadeploy {

Interruption interruption_of(const PriorState& prior, const std::string& address) {
    if (prior.unfinished.contains(address)) return {ChangeKind::create, {}};
    const auto it = prior.interrupted.find(address);
    if (it == prior.interrupted.end()) return {};
    const auto config = prior.attempted.find(address);
    return {it->second, config == prior.attempted.end() ? Value() : config->second};
}

bool machine_is_up(const PriorState& prior, const std::string& address) {
    if (prior.unfinished.contains(address)) return false;
    const auto it = prior.observed.find(address);
    return it != prior.observed.end() && it->second.state == Observation::State::present &&
           it->second.foreign.empty() && it->second.attributes.flag("running", true);
}

} // namespace hadeploy
