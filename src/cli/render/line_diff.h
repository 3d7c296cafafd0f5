#pragma once

#include <string>
#include <vector>

namespace hadeploy::cli {

struct LineChange {
    char sign = ' '; ///< '-' removed, '+' added, ' ' context or "..."
    std::string text;
};

/// A diff with one line of context; "..." replaces other unchanged lines. Empty if nothing differs.
std::vector<LineChange> diff_lines(const std::vector<std::string>& before,
                                   const std::vector<std::string>& after);

} // namespace hadeploy::cli
