#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace hadeploy::svc {

using Json = nlohmann::json;

/// Maximum depth; it exceeds that of all messages of the services and of Docker. Values are
/// traversed recursively, so an unlimited depth would let a peer exhaust the stack.
constexpr std::size_t kMostJsonDepth = 64;

/// The parsed value; a discarded one if the input is not JSON or is deeper than kMostJsonDepth.
Json parse_json(std::string_view text);

} // namespace hadeploy::svc
