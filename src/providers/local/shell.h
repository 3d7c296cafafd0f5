#pragma once

#include "core/process.h"
#include "provider_api/provider.h"

#include <string>
#include <string_view>

namespace hadeploy::local {

/// What commands of resources and of data sources have in common: where and with what they run, how
/// long they may take, and what they print.
Schema shell_attributes();
/// Names of variables and outputs, and the types of outputs.
void check_shell(const Value& config, Diagnostics& diagnostics);
/// The attribute `outputs` with each one unknown: what can be said before anything has run.
Value unknown_outputs(const Value& config);

/// Runs the script that is the attribute `which` with sh, as the other attributes say. It finds
/// what an earlier one has printed as JSON in $HADEPLOY_OUTPUTS.
/// @throws Error(failed) when it can't be started or takes too long
ProcessResult run_shell(const Value& config, const char* which, const Value& outputs,
                        const ProviderContext& setting);

/// That the script `which` did not do its work, with the last of what it said, but for what is
/// secret in its config.
Error shell_failure(const Value& config, std::string_view which, const ProcessResult& result);

/// The outputs in what a script has printed: a JSON object; or, of a single output, its text.
/// @throws Error(failed) when one is missing or has another type
Value outputs_of(const Value& config, std::string_view which, const std::string& printed);

} // namespace hadeploy::local
