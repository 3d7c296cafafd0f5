#pragma once

#include <string>
#include <vector>

namespace hadeploy::cli {

struct LineChange {
    char sign = ' '; ///< '-' went, '+' came, ' ' stayed or stands for what was left out
    std::string text;
};

/// What became of a text: the lines that differ, each with a line of what is around it, and "..."
/// where more than that stayed. Empty when nothing differs.
std::vector<LineChange> diff_lines(const std::vector<std::string>& before,
                                   const std::vector<std::string>& after);

} // namespace hadeploy::cli
