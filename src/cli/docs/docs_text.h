#pragma once

#include "cli/render/terminal.h"
#include "provider_api/provider.h"

#include <string>

namespace hadeploy::cli {

/// Documentation of a resource type or of a provider's settings, for the terminal.
std::string render_type(const ResourceType& type, const Style& style);
std::string render_provider(const Provider& provider, const Style& style);
/// The spec's `chaos` section.
std::string render_chaos(const Style& style);
/// Running text, wrapped and indented by `indent` spaces.
std::string paragraph(std::string_view text, std::size_t indent, const Style& style);
/// All types with their summaries, by group, followed by the providers and topics.
std::string render_type_list(const Registry& registry, const Style& style);

} // namespace hadeploy::cli
