#pragma once

#include "cli/render/terminal.h"
#include "state/store.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// One line per run, the latest at the end: number, local time, command, result, counts.
std::string render_history(const std::vector<Run>& runs, const Style& style);

/// "done", "failed", "interrupted" or "not ended".
std::string result_text(RunResult result);

/// One run as JSON. Times are Unix time in milliseconds; ended_ms is 0 while the run is active or
/// if it was killed.
nlohmann::json run_json(const Run& run);

} // namespace hadeploy::cli
