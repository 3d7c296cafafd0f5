#pragma once

#include "cli/context.h"

#include <chrono>
#include <functional>

namespace hadeploy::cli {

/// Shows something again and again until a signal: on a terminal in place, else as one block after
/// another. Each time in a child process, because a read that never ends cannot be abandoned within
/// a process that continues. No other thread may run.
/// @returns 130, the exit code
int repeat(const Context& context, std::chrono::seconds interval, const std::function<int()>& show);

} // namespace hadeploy::cli
