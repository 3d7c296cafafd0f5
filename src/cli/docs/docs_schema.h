#pragma once

#include "provider_api/provider.h"

#include <nlohmann/json.hpp>

namespace hadeploy::cli {

/// JSON Schema (draft 7, which editors understand) of the whole spec language. With
/// `module_file`, the schema of a module.yaml.
nlohmann::json spec_schema(const Registry& registry, bool module_file = false);

} // namespace hadeploy::cli
