#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// What the parser of YAML could not go on with, in the words of whoever wrote it.
struct YamlAdvice {
    std::string message;
    std::string hint; ///< may be empty
};

/// @param reason  the parser's own message
/// @param text    what was parsed
/// @param offset  where the parser stopped
YamlAdvice yaml_advice(std::string_view reason, std::string_view text, std::size_t offset);

} // namespace hadeploy
