#pragma once

#include "planner/plan/plan.h"

#include <map>
#include <string>

namespace hadeploy::cli {

/// Whether a step with this result had work to do, so that its duration is meaningful.
bool is_run(StepResult result);

/// "created", "changed", "repaired", ...: the outcome of a step from its action and its result.
std::string_view outcome(const Step& step, StepResult result);

/// Suppresses a progress text of a step that differs from the previous one only in numbers
/// ("downloading 41%"), unless some time has passed.
class Throttle {
  public:
    bool is_news(const std::string& address, std::string_view text, std::int64_t now_ms);

  private:
    struct Last {
        std::string shape;
        std::int64_t at_ms = 0;
    };
    std::map<std::string, Last> last_;
};

} // namespace hadeploy::cli
