#pragma once

#include "cli/context.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace hadeploy::cli {

/// Common part of apply, destroy and rollback after the project is loaded: plan, show, confirm,
/// apply.
/// @returns the exit code
int plan_and_execute(Context& context, const PlanOptions& options, const std::string& command);

/// The result of a run.
struct Executed {
    ApplyResult result = {};
    std::int64_t began_ms = 0; ///< Unix time
    std::int64_t took_ms = 0;
    nlohmann::json summary = {}; ///< as recorded in the history
};

/// Applies a plan and records the run, without a report.
/// @param command  as recorded in the history
Executed carry_out(const Context& context, PlannedRun& prepared, Store& store,
                   std::string_view command, Progress& progress);

/// Applies a confirmed plan and reports the result.
/// @param command  as recorded in the history
/// @returns the exit code
int execute(Context& context, PlannedRun& prepared, Store& store, std::string_view command);

/// The command with its options, as recorded in the history.
std::string described(std::string command, const PlanOptions& options);

/// Reports that there is nothing to do.
/// @param outputs  null after a destroy
void say_nothing_to_do(const Context& context, const Value& outputs,
                       const std::vector<Error>& warnings = {});
/// Applies a plan without steps, which may still update records, and reports that there is nothing
/// to do.
/// @returns the exit code
int nothing_to_do(const Context& context, const PlannedRun& prepared, Store& store);

} // namespace hadeploy::cli
