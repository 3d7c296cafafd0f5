#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace hadeploy::svc {

using Json = nlohmann::json;

/// Deeper than anything the services and Docker say. What walks a value calls itself once a level,
/// so that a peer could use up the stack.
constexpr std::size_t kMostJsonDepth = 64;

/// The value that the text holds; a discarded one when it is no JSON, or deeper than
/// kMostJsonDepth.
Json parse_json(std::string_view text);

} // namespace hadeploy::svc
