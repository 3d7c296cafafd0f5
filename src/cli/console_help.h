#pragma once

#include "planner/graph/graph.h"

#include <string>
#include <vector>

namespace hadeploy::cli {

/// What `help` shows in the console: what can be typed, and the names that there are.
std::string console_help(const Graph& graph);

/// What `help NAME` shows of a function.
/// @throws Error(usage)  there is none of that name
std::string function_help(const std::string& name);

/// The names and functions that a word may go on to.
std::vector<std::string> console_words(const Graph& graph, const std::string& begun);

} // namespace hadeploy::cli
