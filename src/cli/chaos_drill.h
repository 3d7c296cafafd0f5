#pragma once

#include "chaos/experiment.h"
#include "chaos/report.h"
#include "cli/chaos_fault.h"

namespace hadeploy::cli {

/// Runs a drill with the settings of the spec's `chaos` section, reports its progress, prints the
/// report and writes the files that the command line asks for.
/// @returns  the exit code
int run_drill(const Context& context, ChaosProject& project, const chaos::Experiment& experiment);

/// The exit code for a verdict.
int drill_exit_code(chaos::Verdict verdict);

} // namespace hadeploy::cli
