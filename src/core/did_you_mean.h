#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// The candidate closest to `word`, if it is close enough to be a likely correction.
std::optional<std::string> did_you_mean(std::string_view word,
                                        const std::vector<std::string>& candidates);

} // namespace hadeploy
