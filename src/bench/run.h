#pragma once

#include "bench/report.h"

#include <filesystem>
#include <stop_token>

namespace hadeploy::bench {

/// Runs the row's command, if it has one, and measures the load. A failure of the command is the
/// row's problem.
/// @param directory  of the command
Row run_row(const Load& load, const std::filesystem::path& directory, const std::stop_token& stop,
            const std::function<void(std::size_t done)>& progress);

} // namespace hadeploy::bench
