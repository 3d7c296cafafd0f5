#pragma once

#include "cli/context.h"

#include <chrono>
#include <functional>

namespace hadeploy::cli {

/// Shows a text repeatedly until a signal arrives: redrawn in place on a terminal, otherwise as one
/// block after the other. Each repetition runs in a child process, because a read that never ends
/// cannot be abandoned within a process that continues. No other thread may run.
/// @returns 130, the exit code
int repeat(const Context& context, std::chrono::seconds interval, const std::function<int()>& show);

} // namespace hadeploy::cli
