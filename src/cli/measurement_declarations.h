#pragma once

#include "cli/args.h"

namespace CLI {
class App;
}

namespace hadeploy::cli {

/// Declares the options of the command `chaos`; see declare_args().
void declare_drill_options(CLI::App& chaos, Args& args);

/// Declares the options of the command `bench`; see declare_args().
void declare_bench_options(CLI::App& bench, Args& args);

} // namespace hadeploy::cli
