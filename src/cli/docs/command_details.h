#pragma once

#include <string_view>

namespace hadeploy::cli {

/// The paragraphs that follow a command's line of help; "" if there are none.
/// @param path  "plan", "state push"
std::string_view command_details(std::string_view path);

} // namespace hadeploy::cli
