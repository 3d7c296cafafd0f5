#pragma once

#include <string>
#include <string_view>

namespace hadeploy::chaos {

/// The text for XML and HTML, in content and in quoted attributes. Characters that XML cannot
/// contain, and bytes that are not UTF-8, become U+FFFD.
std::string escaped(std::string_view text);

} // namespace hadeploy::chaos
