#pragma once

#include "planner/graph/graph.h"

#include <map>
#include <string>

namespace hadeploy {

/// The spec's entries under `import:`, by target address.
std::map<std::string, Import> evaluate_imports(const Graph& graph, Diagnostics& diagnostics);

/// Reports imports to addresses that the spec does not have, and imports of types that cannot be
/// imported.
void check_imports(const Graph& graph, Diagnostics& diagnostics);

/// The ID of the object that is imported to an address; "" if there is no import, or no ID.
std::string imported_id(const Graph& graph, const std::string& address);

/// An error about an import. If the import was requested on the command line, the error has the
/// given kind and no location. Otherwise it is an error of the spec at the location of the entry.
Error import_error(const Import& import, ErrorKind kind, std::string why, std::string hint);

} // namespace hadeploy
