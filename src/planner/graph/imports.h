#pragma once

#include "planner/graph/graph.h"

#include <map>
#include <string>

namespace hadeploy {

/// The spec's entries under `import:`, by the addresses that they get.
std::map<std::string, Import> evaluate_imports(const Graph& graph, Diagnostics& diagnostics);

/// Imports to addresses that the spec does not have, and of what can't be imported.
void check_imports(const Graph& graph, Diagnostics& diagnostics);

/// The ID of an object that is imported to an address; "" when none is, or it has no ID.
std::string imported_id(const Graph& graph, const std::string& address);

/// An error about an import. One that the command line asks for has no place and keeps its kind;
/// any other one is an error of the spec.
Error import_error(const Import& import, ErrorKind kind, std::string why, std::string hint);

} // namespace hadeploy
