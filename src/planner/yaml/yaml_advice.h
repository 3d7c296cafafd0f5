#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// Explains a YAML syntax error in terms of the spec instead of the parser.
struct YamlAdvice {
    std::string message;
    std::string hint; ///< may be empty
};

/// @param reason  the parser's own message
/// @param text    the parsed text
/// @param offset  where the parser stopped
YamlAdvice yaml_advice(std::string_view reason, std::string_view text, std::size_t offset);

} // namespace hadeploy
