#pragma once

#include "core/error.h"

#include <string>
#include <string_view>

namespace hadeploy::ssh {

/// The error for a script that failed on a host. Pure. Recognizes common causes in the output of
/// tools: package lock, full or read-only disk, missing program, sudo. The message names the
/// relevant line (see cause_in()) and how the script ended; the last lines of both streams are
/// attached as notes.
/// @param host  "root@10.77.0.11:22"
/// @param step  the current activity: "installing docker.io"; may be empty
/// @param status  as reported by `sh`: above 128 the process was killed by a signal
/// @param err   standard error of the script
/// @param out   standard output of the script
Error explain_failure(std::string_view host, std::string_view step, int status,
                      std::string_view err, std::string_view out = {});

/// The line of standard error that names the cause: a line of our own script ("hadeploy: TEXT",
/// without the prefix), else the first error of apt, else the last line that mentions an error,
/// else the last line. Advice that tools print after their error ("Did you mean ...") is skipped.
std::string cause_in(std::string_view err);

/// The error for an exec that ended without its trailer. `started`: our script had started.
/// @param stray  the output that was received instead of the expected frames
Error explain_no_answer(std::string_view host, bool started, std::string_view stray);

/// The progress message while waiting for commands of an earlier run.
std::string explain_wait(std::string_view process);
/// The error for a host where commands of an earlier run do not end.
Error explain_busy(std::string_view host, std::string_view process);
/// The error for an operation that has started and left no result, on a host that did not reboot.
Error explain_no_result(std::string_view host);

/// The last lines of a string that are not blank.
std::string tail(std::string_view text, std::size_t lines);

} // namespace hadeploy::ssh
