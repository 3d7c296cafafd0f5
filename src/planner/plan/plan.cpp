#include "planner/plan/plan.h"

#include "core/uuid.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

std::string_view action_name(Action action) {
    switch (action) {
    case Action::adopt: return "adopt";
    case Action::create: return "create";
    case Action::update: return "update";
    case Action::replace: return "replace";
    case Action::read: return "read";
    case Action::remove: return "remove";
    case Action::forget: return "forget";
    case Action::refresh: return "refresh";
    }
    return "";
}

std::size_t Plan::count(Action action) const {
    return static_cast<std::size_t>(std::count_if(steps.begin(), steps.end(), [&](const Step& s) {
        return s.action == action && !s.first_half;
    }));
}

std::size_t Plan::size() const {
    return static_cast<std::size_t>(
        std::count_if(steps.begin(), steps.end(), [](const Step& s) { return !s.first_half; }));
}

std::string identity_of(const std::string& lineage, const std::string& address,
                        std::int64_t generation) {
    return uuid_v5(lineage, fmt::format("{}#{}", address, generation));
}

Interruption interruption_of(const World& world, const std::string& address) {
    if (world.unfinished.contains(address)) return {"create", {}};
    const auto it = world.interrupted.find(address);
    if (it == world.interrupted.end()) return {};
    const auto config = world.attempted.find(address);
    return {it->second, config == world.attempted.end() ? Value() : config->second};
}

bool machine_is_up(const World& world, const std::string& address) {
    if (world.unfinished.contains(address)) return false;
    const auto it = world.observed.find(address);
    return it != world.observed.end() && it->second.state == Observation::State::present &&
           it->second.foreign.empty() && it->second.attributes.flag("running", true);
}

} // namespace hadeploy
