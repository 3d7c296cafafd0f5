#pragma once

#include "cli/args.h"
#include "cli/interrupt.h"
#include "cli/project.h"
#include "cli/render/progress.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// The context passed to every command.
struct Context {
    const Args& args;
    const Registry& registry;
    Project& project;
    Style out;                          ///< standard output: data
    Style err;                          ///< standard error: messages
    std::vector<std::string> runs = {}; ///< the sections of the page of --html, one for each run
    bool changed = false; ///< a run of this command has begun to change objects or the state

    [[nodiscard]] std::unique_ptr<Progress> progress(std::size_t steps) const;
    /// A progress display without any output except the responses to signals.
    [[nodiscard]] std::unique_ptr<Progress> quiet_progress(std::size_t steps) const;
    /// Whether progress messages stay visible to the reader of standard output.
    [[nodiscard]] bool progress_stays() const;
    /// Data on standard output.
    void print(std::string_view text) const;
    /// Data on standard output, including secrets that the user has asked for.
    void print_secret(std::string_view text) const;
    /// @throws Error(failed) if some of the output could not be written, unless the reader closed
    ///         its end
    void check_output() const;
    /// A message on standard error.
    void say(std::string_view text) const;
    /// Acquires the state's lock. While another run holds it, waits for at most --lock-timeout and
    /// names the holder.
    /// @throws Error(locked), Interrupted
    void lock(Store& store, const std::string& command) const;

  private:
    [[nodiscard]] std::unique_ptr<Progress> progress(std::size_t steps, ProgressMode mode) const;
};

} // namespace hadeploy::cli
