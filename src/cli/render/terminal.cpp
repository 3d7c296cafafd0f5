#include "cli/render/terminal.h"

#include <cstdlib>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace hadeploy::cli {

namespace {
std::string_view environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view(value);
}

bool utf8_locale() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const std::string_view locale = environment(name);
        if (locale.empty()) continue;
        return locale.find("UTF-8") != std::string_view::npos ||
               locale.find("utf8") != std::string_view::npos;
    }
    return false;
}

int code_of(Tint tint) {
    switch (tint) {
    case Tint::plain: return 0;
    case Tint::bold: return 1;
    case Tint::dim: return 2;
    case Tint::red: return 31;
    case Tint::green: return 32;
    case Tint::yellow: return 33;
    case Tint::blue: return 34;
    case Tint::magenta: return 35;
    case Tint::cyan: return 36;
    }
    return 0;
}
} // namespace

std::string Style::paint(Tint tint, std::string_view text) const {
    if (!color || tint == Tint::plain || text.empty()) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", code_of(tint), text);
}

bool is_terminal(int fd) {
    return ::isatty(fd) == 1;
}

TerminalSize terminal_size(int fd) {
    struct winsize size = {};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row};
}

Style detect_style(int fd, bool no_color) {
    if (!is_terminal(fd)) return {};
    const bool plain =
        no_color || !environment("NO_COLOR").empty() || environment("TERM") == "dumb";
    return {.color = !plain, .unicode = utf8_locale(), .width = terminal_size(fd).columns};
}

bool can_redraw(int fd) {
    const std::string_view term = environment("TERM");
    return is_terminal(fd) && !term.empty() && term != "dumb";
}

} // namespace hadeploy::cli
