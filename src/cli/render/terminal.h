#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hadeploy::cli {

enum class Tint { plain, bold, dim, red, green, yellow, blue, magenta, cyan };

/// What may be sent to an output, decided once at the start and handed down: the renderers
/// themselves look at no environment and no terminal.
struct Style {
    bool color = false;
    bool unicode = false;  ///< spinners, arrows and dots beyond ASCII
    std::size_t width = 0; ///< columns to stay within; 0: no limit (a pipe, a file)

    /// The text in a tint, or as it is where there are no colours.
    [[nodiscard]] std::string paint(Tint tint, std::string_view text) const;
};

struct TerminalSize {
    std::size_t columns = 80;
    std::size_t rows = 24;
};

bool is_terminal(int fd);
TerminalSize terminal_size(int fd);

/// How to write to `fd`: colours on a terminal only, and neither with `no_color` (the flag), nor
/// with NO_COLOR or TERM=dumb in the environment.
Style detect_style(int fd, bool no_color);

/// Whether lines on `fd` can be redrawn in place.
bool can_redraw(int fd);

} // namespace hadeploy::cli
