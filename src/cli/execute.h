#pragma once

#include "cli/context.h"

#include <string>
#include <string_view>

namespace hadeploy::cli {

/// Common part of apply, destroy and rollback after the project is loaded: plan, show, confirm,
/// apply.
/// @returns the exit code
int plan_and_execute(Context& context, const PlanOptions& options, const std::string& command);

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
/// The same for a plan without steps, which may still update records.
/// @returns the exit code
int nothing_to_do(const Context& context, const PlannedRun& prepared, Store& store);

} // namespace hadeploy::cli
