#pragma once

#include "cli/render/terminal.h"

#include <string>

namespace hadeploy::cli {

/// The built-in functions of expressions.
std::string render_functions(const Style& style);

/// The part of the reference about the built-in functions.
std::string functions_markdown();

} // namespace hadeploy::cli
