#pragma once

#include "cli/render/terminal.h"
#include "engine/events.h"

#include <functional>
#include <memory>
#include <optional>

namespace hadeploy::cli {

enum class ProgressMode {
    automatic, ///< tty where lines can be redrawn, else plain
    tty,       ///< a block redrawn in place
    plain,     ///< one line an event
    json,      ///< one object an event
    quiet,
};
std::optional<ProgressMode> parse_progress_mode(std::string_view text);

/// Shows what goes on. Calls may come from any thread.
class Progress : public Events {
  public:
    /// Takes away what was only for the moment; the same happens when it is destroyed. To be called
    /// before anything else is written to the same terminal.
    virtual void finish() = 0;
    /// Whole lines that stay, beside what goes on.
    /// @returns false where nothing but events is shown: to be said in another way
    virtual bool note(std::string_view /*text*/) { return false; }
};

/// Where progress goes, and the world it looks at; tests put their own in.
struct ProgressOutput {
    std::function<void(std::string_view)> write;
    std::function<std::int64_t()> now_ms; ///< Unix time
    std::function<TerminalSize()> size;
    bool ticking = true; ///< redraw between events, from a thread
    /// Takes secrets out of a text before it is cut to fit a line: in a part they are not found.
    std::function<std::string(std::string_view)> hide = [](std::string_view text) {
        return std::string(text);
    };
};

/// @param total how many steps there will be; 0 while planning
/// @param fd    where `write` leads to, to see whether it is a terminal, and how large
/// @param hide  of ProgressOutput; what is written goes through it as well
std::unique_ptr<Progress> make_progress(ProgressMode mode, std::size_t total, int fd,
                                        std::function<void(std::string_view)> write,
                                        std::function<std::string(std::string_view)> hide,
                                        const Style& style);
std::unique_ptr<Progress> make_progress(ProgressMode mode, std::size_t total, ProgressOutput output,
                                        const Style& style);

} // namespace hadeploy::cli
