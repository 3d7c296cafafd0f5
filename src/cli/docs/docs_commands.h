#pragma once

#include "cli/docs/command_tree.h"

namespace hadeploy::cli {

/// The manual page in man(7) markup.
std::string man_page(const CommandTree& tree);

/// The reference page of all commands in Markdown.
std::string commands_markdown(const CommandTree& tree);

} // namespace hadeploy::cli
