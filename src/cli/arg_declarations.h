#pragma once

#include "cli/args.h"

namespace CLI {
class App;
}

namespace hadeploy::cli {

/// Declares all commands and flags, with the texts that --help shows. Parsing sets `args`, which
/// must live as long as `app`.
void declare_args(CLI::App& app, Args& args);

} // namespace hadeploy::cli
