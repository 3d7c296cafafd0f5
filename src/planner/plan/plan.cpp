#include "planner/plan/plan.h"

#include "planner/plan/output_changes.h"

#include <algorithm>

namespace hadeploy {

std::size_t Plan::count(Action action) const {
    return static_cast<std::size_t>(std::count_if(steps.begin(), steps.end(), [&](const Step& s) {
        return s.action == action && !s.first_half;
    }));
}

std::size_t Plan::size() const {
    return static_cast<std::size_t>(
        std::count_if(steps.begin(), steps.end(), [](const Step& s) { return !s.first_half; }));
}

bool Plan::empty() const {
    return steps.empty() && moves.empty() && output_changes(*this).empty();
}

} // namespace hadeploy
