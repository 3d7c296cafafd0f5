#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hadeploy::cli {

enum class Tint { plain, bold, dim, red, green, yellow, blue, magenta, cyan };

/// Capabilities of an output, determined once at the start: renderers do not read the environment
/// or the terminal.
struct Style {
    bool color = false;
    bool unicode = false;  ///< spinners, arrows and dots beyond ASCII
    std::size_t width = 0; ///< columns to stay within; 0: no limit (a pipe, a file)

    /// The text in a tint, or unchanged without colours.
    [[nodiscard]] std::string paint(Tint tint, std::string_view text) const;
};

struct TerminalSize {
    std::size_t columns = 80;
    std::size_t rows = 24;
};

bool is_terminal(int fd);
TerminalSize terminal_size(int fd);

/// The style for `fd`: colours only on a terminal, and only if `no_color` (the flag) is not set and
/// the environment has neither NO_COLOR nor TERM=dumb.
Style detect_style(int fd, bool no_color);

/// Whether lines on `fd` can be redrawn in place.
bool can_redraw(int fd);

} // namespace hadeploy::cli
