#pragma once

#include "core/error.h"
#include "providers/ssh/framing.h"
#include "providers/ssh/pool.h"

#include <optional>

namespace hadeploy::ssh {

/// How an exec of sections ended.
struct Outcome {
    std::size_t finished = 0;         ///< number of sections that were reported
    std::optional<Error> broken = {}; ///< why the trailer is missing; empty if it arrived
    bool begun = false;               ///< the script has started on the host, or may have
    bool lost = false;                ///< broken because the connection broke
};

/// Runs read-only sections on a host in one exec. $hadeploy_host_key holds the verified host key.
/// If the connection breaks, the sections that were not reported are run again. Waits for a running
/// operation of the same state.
/// @param notice  receives progress messages; may be empty
/// @throws Interrupted
Outcome run_sections(Pool& pool, const Login& login, std::span<const Section> sections,
                     const Frames::OnSection& on_section,
                     const std::function<void(std::string_view)>& notice, std::stop_token stop);

/// Runs one section with a large or binary standard input: its own input, then the file. The
/// section must be safe to run again, because it is retried once if the connection breaks.
/// @throws Error(failed) if the script contains a NUL byte
/// @throws Interrupted
Outcome run_streaming(Pool& pool, const Login& login, const Section& section,
                      const std::filesystem::path& file, const Frames::OnSection& on_section,
                      std::stop_token stop);

// Building blocks of these functions and of run_operation().

/// The command that starts a root shell on a host.
struct Shell {
    std::string command;
    std::string input; ///< the beginning of its standard input, before the script
};
/// @param arguments  arguments of the shell, with a leading space; "": the shell reads a script
Shell shell(const Login& login, std::string_view arguments = "");
/// Connects and returns a preamble that sets $hadeploy_host_key.
/// @throws Error(unreachable), Interrupted
std::string introduce(Pool& pool, const Login& login, const std::stop_token& stop);
/// Runs one exchange whose output is parsed by `frames`. Errors are returned in `broken`.
/// @param notice  as in run_sections
/// @throws Interrupted
Outcome exchange(Pool& pool, const Login& login, Exchange what, Frames& frames,
                 const std::function<void(std::string_view)>& notice, const std::stop_token& stop);

} // namespace hadeploy::ssh
