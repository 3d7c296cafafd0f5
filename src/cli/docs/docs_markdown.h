#pragma once

#include "provider_api/provider.h"

#include <string>

namespace hadeploy::cli {

/// The reference of the spec format and of all providers and types in Markdown.
std::string reference_markdown(const Registry& registry);

} // namespace hadeploy::cli
