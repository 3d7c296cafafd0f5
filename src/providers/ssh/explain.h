#pragma once

#include "core/error.h"

#include <string>
#include <string_view>

namespace hadeploy::ssh {

/// The error for a script that failed on a host. Pure. Knows the usual causes by what the tools
/// print: package lock, full or read-only disk, missing program, sudo.
/// @param host  "root@10.77.0.11:22"
/// @param step  what was done: "installing docker.io"; may be empty
/// The message names the line that matters (cause_in) and how the script ended; the ends of both
/// streams are notes.
/// @param status  as `sh` reports it: above 128 the process was ended by a signal
/// @param err   the script's standard error
/// @param out   its standard output
Error explain_failure(std::string_view host, std::string_view step, int status,
                      std::string_view err, std::string_view out = {});

/// The line of a standard error that says what went wrong: what our own script says ("hadeploy:
/// TEXT", without the prefix), apt's first error, else the last line that speaks of an error, else
/// the last one. Advice that tools print after their error ("Did you mean ...") is passed over.
std::string cause_in(std::string_view err);

/// The error for an exec that ended without its trailer; `started`: our script had begun.
/// @param stray  what came in the place of an answer
Error explain_no_answer(std::string_view host, bool started, std::string_view stray);

/// What is said while an earlier run's commands are waited for.
std::string explain_wait(std::string_view process);
/// The error for a host where an earlier run's commands do not come to their end.
Error explain_busy(std::string_view host, std::string_view process);
/// The error for an operation that had begun and has left no result, on a host that did not reboot.
Error explain_no_result(std::string_view host);

/// The last lines of a text that say something.
std::string tail(std::string_view text, std::size_t lines);

} // namespace hadeploy::ssh
