#pragma once

#include "cli/render/progress.h"
#include "core/error.h"

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// Set by the first SIGINT or SIGTERM; the second leaves at once.
std::atomic<bool>& stop_requested();
void install_signal_handlers();

/// Requested by the first signal: what only looks is left, also while changes are let end.
std::stop_token stop_looking();

/// A question waits for its answer: nothing is under way that a signal would have to be answered
/// for.
class Asking {
  public:
    Asking();
    ~Asking();
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
};

/// A progress whose open steps are named when a signal arrives: by the first one those that are
/// finished first, by the second one those that stay open, after the errors of those that failed.
/// @param changes  whether steps run; else something is only looked at
/// @param say      writes to standard error, without secrets
/// @param errors   renders what failed
std::unique_ptr<Progress> watched(std::unique_ptr<Progress> shown, bool changes,
                                  std::function<void(std::string_view)> say,
                                  std::function<std::string(const std::vector<Error>&)> errors);

} // namespace hadeploy::cli
