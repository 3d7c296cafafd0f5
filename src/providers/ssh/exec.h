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
/// @param notice  gets progress texts; may be empty
/// @throws Interrupted
Outcome run_sections(Pool& pool, const Login& login, std::span<const Section> sections,
                     const Frames::OnSection& on_section,
                     const std::function<void(std::string_view)>& notice, std::stop_token stop);

/// Runs sections that change the host as an operation: it continues if the connection breaks, and
/// its result is then fetched over another one (see operation.cpp).
/// @param notice  gets progress texts
/// @throws Interrupted; a running section still runs to its end on the host
Outcome run_operation(Pool& pool, const Login& login, std::span<const Section> sections,
                      const Frames::OnSection& on_section,
                      const std::function<void(std::string_view)>& notice, std::stop_token stop);

/// Runs one section with a large or binary standard input: its own input, then the file. The
/// section must be safe to run again, because it is repeated once if the connection breaks.
/// @throws Error(failed) if the script contains a NUL byte
/// @throws Interrupted
Outcome run_streaming(Pool& pool, const Login& login, const Section& section,
                      const std::filesystem::path& file, const Frames::OnSection& on_section,
                      std::stop_token stop);

// Building blocks of these three functions.

/// The command that starts a root shell on a host.
struct Shell {
    std::string command;
    std::string input; ///< the beginning of its standard input, before the script
};
/// @param arguments  of the shell, with a leading space; without any it reads a script
Shell shell(const Login& login, std::string_view arguments = "");
/// Connects and returns a preamble that sets $hadeploy_host_key.
/// @throws Error(unreachable), Interrupted
std::string introduce(Pool& pool, const Login& login, const std::stop_token& stop);
/// How long to wait for operations of a killed hadeploy, in half seconds. Ten minutes are enough
/// for a package installation or for the tasks of a stack to start on a slow machine.
inline constexpr int kPatience = 1200;
/// A preamble that waits for operations of a state on the host.
/// @param patience  time limit in half seconds
std::string wait_for_operations(std::string_view lineage, int patience = kPatience);
/// Runs one exchange whose output is parsed by `frames`. Errors are returned in `broken`.
/// @param notice  as in run_sections
/// @throws Interrupted
Outcome exchange(Pool& pool, const Login& login, Exchange what, Frames& frames,
                 const std::function<void(std::string_view)>& notice, const std::stop_token& stop);

/// Identifies an operation.
struct OperationName {
    std::string lineage; ///< of its state; only one run at a time uses a state
    std::string process; ///< of the hadeploy process
    std::string id;      ///< unique; also the boundary of its frames
};
/// The script that starts an operation, or attaches to it if it has already started.
/// @param known_boot  boot id of the host when the operation started, if known. Then it is not
/// started again; if it no longer exists, the answer is "rebooted" or "gone"
std::string compose_operation(std::span<const Section> sections, const OperationName& name,
                              std::string_view preamble, std::string_view known_boot);

} // namespace hadeploy::ssh
