#pragma once

#include <string_view>

namespace hadeploy::cli {

/// The version of project() in CMakeLists.txt, such as "0.1.0".
extern const std::string_view kVersion;

} // namespace hadeploy::cli
