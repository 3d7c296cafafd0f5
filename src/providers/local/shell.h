#pragma once

#include "core/process.h"
#include "provider_api/provider.h"

#include <string>
#include <string_view>

namespace hadeploy::local {

/// The attributes shared by resources and data sources that run commands: working directory,
/// environment, input, timeout and outputs.
Schema shell_attributes();
/// Checks the names of variables and outputs, and the types of outputs.
void check_shell(const Value& config, Diagnostics& diagnostics);
/// A value of the attribute `outputs` in which each output is unknown.
Value unknown_outputs(const Value& config);

/// Runs the script in the attribute `which` with sh, according to the other attributes. The script
/// finds the previous outputs as JSON in $HADEPLOY_OUTPUTS.
/// @throws Error(failed) if it cannot be started or exceeds its timeout
ProcessResult run_shell(const Value& config, const char* which, const Value& outputs,
                        const ProviderContext& context);

/// The error that the script `which` failed, with the end of its output; secrets of the
/// configuration are redacted.
Error shell_failure(const Value& config, std::string_view which, const ProcessResult& result);

/// Reads the outputs from the output of a script: a JSON object or, for a single output, plain
/// text.
/// @throws Error(failed) if an output is missing or has a different type
Value outputs_of(const Value& config, std::string_view which, const std::string& printed);

} // namespace hadeploy::local
