#pragma once

#include "cli/render/terminal.h"
#include "engine/events.h"

#include <functional>
#include <memory>
#include <optional>

namespace hadeploy::cli {

enum class ProgressMode {
    automatic, ///< tty if lines can be redrawn, otherwise plain
    tty,       ///< a block redrawn in place
    plain,     ///< one line per event
    json,      ///< one object per event
    quiet,
};
std::optional<ProgressMode> parse_progress_mode(std::string_view text);

/// Shows progress. Thread-safe.
class Progress : public Events {
  public:
    /// Removes temporary output, as the destructor does. Call it before writing anything else to
    /// the same terminal.
    virtual void finish() = 0;
    /// Prints permanent lines.
    /// @returns false if only events are shown; the caller then has to print the text itself
    virtual bool note(std::string_view /*text*/) { return false; }
};

/// Output, clock and terminal size of a progress display; tests supply their own.
struct ProgressOutput {
    std::function<void(std::string_view)> write;
    std::function<std::int64_t()> now_ms; ///< Unix time
    std::function<TerminalSize()> size;
    bool ticking = true; ///< redraw between events, from a thread
    /// Redacts secrets before a text is cut to fit a line, because a part of a secret would not be
    /// recognized.
    std::function<std::string(std::string_view)> hide = [](std::string_view text) {
        return std::string(text);
    };
};

/// @param total number of steps; 0 while planning
/// @param fd    descriptor behind `write`, to find whether it is a terminal, and its size
/// @param hide  see ProgressOutput; also applied to everything that is written
std::unique_ptr<Progress> make_progress(ProgressMode mode, std::size_t total, int fd,
                                        std::function<void(std::string_view)> write,
                                        std::function<std::string(std::string_view)> hide,
                                        const Style& style);
std::unique_ptr<Progress> make_progress(ProgressMode mode, std::size_t total, ProgressOutput output,
                                        const Style& style);

} // namespace hadeploy::cli
