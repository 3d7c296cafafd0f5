#pragma once

#include "cli/docs/command_tree.h"

namespace hadeploy::cli {

/// A completion script for commands, flags, values and files. The script calls hadeploy to list
/// addresses (`state list`), resource types (`docs`) and outputs.
/// @param shell  "bash", "zsh" or "fish"
std::string completion_script(const CommandTree& tree, const std::string& shell);

} // namespace hadeploy::cli
