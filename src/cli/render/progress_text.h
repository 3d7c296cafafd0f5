#pragma once

#include "planner/plan/plan.h"

#include <map>
#include <string>

namespace hadeploy::cli {

/// Whether a step with this result had something to do, so that its time tells something.
bool is_run(std::string_view result);

/// "created", "changed", "repaired", ...: what became of a step, from its action and its result
/// (as in StepRecord::result).
std::string_view outcome(const Step& step, std::string_view result);

/// Lets through what is news: a step's text that differs from its last one in more than its numbers
/// ("downloading 41%"), or after a while.
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
