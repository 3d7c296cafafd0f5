#pragma once

#include "cli/render/terminal.h"
#include "state/store.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// One line per run, the latest at the end: number, local time, command, origin, result, counts.
std::string render_history(const std::vector<Run>& runs, const Style& style);

/// "done", "failed", "interrupted" or "not ended".
std::string result_text(RunResult result);

/// One run with its origin, its plan and its steps.
std::string render_run(const Run& run, const std::vector<StepRecord>& steps, const Style& style);

/// One run as JSON, in the format that the details of the command `history` describe.
nlohmann::json run_json(const Run& run);
nlohmann::json run_json(const Run& run, const std::vector<StepRecord>& steps);

} // namespace hadeploy::cli
