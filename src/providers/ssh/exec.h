#pragma once

#include "core/error.h"
#include "providers/ssh/framing.h"
#include "providers/ssh/pool.h"

#include <optional>

namespace hadeploy::ssh {

/// How an exec of sections ended.
struct Outcome {
    std::size_t finished = 0;         ///< sections that were reported
    std::optional<Error> broken = {}; ///< why there is no trailer; empty when there is one
    bool begun = false;               ///< the script has begun on the host, or may have
    bool lost = false;                ///< broken, because the connection did
};

/// Runs sections that only look on a host, in one exec. They find the key that the host has shown,
/// as verified, in $hadeploy_host_key. When the connection breaks those that were not reported are
/// asked again. An operation of the same state that is still at work there is waited for.
/// @param notice  told of what is waited for, for people; may be empty
/// @throws Interrupted
Outcome run_sections(Pool& pool, const Login& login, std::span<const Section> sections,
                     const Frames::OnSection& on_section,
                     const std::function<void(std::string_view)>& notice, std::stop_token stop);

/// Runs sections that change the host, as an operation: one that goes on when the connection
/// breaks, and whose answer is then asked for over another one (see operation.cpp).
/// @param notice  told what happens on the way, for people
/// @throws Interrupted; what runs at that moment on the host runs to its end
Outcome run_operation(Pool& pool, const Login& login, std::span<const Section> sections,
                      const Frames::OnSection& on_section,
                      const std::function<void(std::string_view)>& notice, std::stop_token stop);

/// Runs one section whose standard input is too large, or not text: its own, then the file. It must
/// be safe to run again: that is done, once, when the connection breaks.
/// @throws Error(failed) when the script has a NUL
/// @throws Interrupted
Outcome run_streaming(Pool& pool, const Login& login, const Section& section,
                      const std::filesystem::path& file, const Frames::OnSection& on_section,
                      std::stop_token stop);

// What these three are made of.

/// A shell of root's on a host.
struct Shell {
    std::string command;
    std::string input; ///< what its standard input has to begin with, before the script
};
/// @param arguments  of the shell, with a space in front; without any it reads a script
Shell shell(const Login& login, std::string_view arguments = "");
/// Connects, and returns the preamble that tells sections the host's key.
/// @throws Error(unreachable), Interrupted
std::string introduce(Pool& pool, const Login& login, const std::stop_token& stop);
/// How long what a killed hadeploy left at work on a host is waited for, in half seconds. Ten
/// minutes: a package that installs, a stack whose tasks start, on a slow machine.
inline constexpr int kPatience = 1200;
/// A preamble: waits for the operations of a state on the host.
/// @param patience  in half seconds
std::string wait_for_operations(std::string_view lineage, int patience = kPatience);
/// One exchange whose answer is frames. Errors become `broken`.
/// @param notice  as of run_sections
/// @throws Interrupted
Outcome exchange(Pool& pool, const Login& login, Exchange what, Frames& frames,
                 const std::function<void(std::string_view)>& notice, const std::stop_token& stop);

/// An operation's place among others.
struct OperationName {
    std::string lineage; ///< of the state that it belongs to: one run at a time works on that
    std::string process; ///< of hadeploy
    std::string id;      ///< also the boundary of its frames
};
/// The script that begins an operation, or attaches to it where it has begun.
/// @param known_boot  the boot id of the host when it had begun, if that is known; then it is not
///                    begun anew, but "rebooted" or "gone" is the answer
std::string compose_operation(std::span<const Section> sections, const OperationName& name,
                              std::string_view preamble, std::string_view known_boot);

} // namespace hadeploy::ssh
