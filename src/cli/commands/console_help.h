#pragma once

#include "planner/graph/graph.h"

#include <string>
#include <vector>

namespace hadeploy::cli {

/// The text of `help` in the console: syntax, and the available names.
std::string console_help(const Graph& graph);

/// The text of `help NAME` for a function.
/// @throws Error(usage) for an unknown name
std::string function_help(const std::string& name);

/// Names and functions that complete a word.
std::vector<std::string> console_words(const Graph& graph, const std::string& begun);

} // namespace hadeploy::cli
