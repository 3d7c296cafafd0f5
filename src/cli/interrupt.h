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

/// Set by the first SIGINT or SIGTERM; the second one ends the process immediately.
std::atomic<bool>& stop_requested();
/// The number of the first signal; 0: none yet.
int first_signal();
void install_signal_handlers();

/// Requested by the first signal: cancels reads, even while changes are allowed to finish.
std::stop_token stop_looking();

/// Scope of a question to the user: nothing runs, so a signal needs no report.
class Asking {
  public:
    Asking();
    ~Asking();
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
};

/// A progress that names its open steps when a signal arrives: the first signal lists the steps
/// that are being finished, the second one lists the failed steps and the steps that stay open.
/// @param changes  whether steps run; otherwise objects are only read
/// @param say      writes to standard error, without secrets
/// @param errors   renders the errors of failed steps
std::unique_ptr<Progress> watched(std::unique_ptr<Progress> shown, bool changes,
                                  std::function<void(std::string_view)> say,
                                  std::function<std::string(const std::vector<Error>&)> errors);

} // namespace hadeploy::cli
