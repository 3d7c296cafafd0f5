#pragma once

#include "cli/render/terminal.h"
#include "provider_api/provider.h"

#include <nlohmann/json.hpp>

namespace hadeploy::cli {

/// Documentation of a resource type or of a provider's settings, for the terminal.
std::string render_type(const ResourceType& type, const Style& style);
std::string render_provider(const Provider& kind, const Style& style);
/// The spec's `chaos` section.
std::string render_chaos(const Style& style);
/// The built-in functions of expressions.
std::string render_functions(const Style& style);
/// All types with their summaries, by group, followed by the providers.
std::string render_type_list(const Registry& registry, const Style& style);

/// The reference of the spec format and of all providers and types in Markdown.
std::string reference_markdown(const Registry& registry);

/// JSON Schema (draft 7, which editors understand) of the whole spec language. With
/// `module_file` that of a module.yaml.
nlohmann::json spec_schema(const Registry& registry, bool module_file = false);

} // namespace hadeploy::cli
