#include "planner/plan/interrupted.h"

#include "planner/plan/generations.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

namespace hadeploy {

void note_interrupted(Plan& plan, const PriorState& prior) {
    if (prior.interrupted.empty()) return;
    std::set<std::string> touched;
    for (const Step& step : plan.steps) touched.insert(step.address);
    for (const auto& [address, action] : prior.interrupted)
        if (touched.contains(address) || touched.contains(resource_address(address)))
            plan.resumed.emplace(address, action);
}

} // namespace hadeploy
