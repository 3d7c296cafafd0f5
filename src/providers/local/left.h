#pragma once

#include "core/file.h"
#include "provider_api/provider.h"

#include <string>
#include <utility>

namespace hadeploy::local {

/// An environment variable, with its value, that identifies a changing script as started by this
/// process for this state.
std::pair<std::string, std::string> script_mark(const ProviderContext& context);

/// A lock that a changing script holds through a descriptor of its shell for as long as the script
/// runs. It tells a later hadeploy that the script still runs although the hadeploy that started it
/// was killed, even if the shell's process is invisible because it is in another container.
/// Processes started by the script do not hold the lock.
/// @return  the descriptor for the shell; empty if the project has no data directory
Fd script_lock(const ProviderContext& context);

/// Waits for changing scripts of the same state that a killed hadeploy left running: the objects
/// that they change cannot be read yet, and the same script must not run twice at the same time.
/// Background processes that a script has left behind are not waited for.
/// @param notice  called once for each such script; may be empty
/// @throws Error(unreachable) naming a script that still runs after a minute (without its process
///         number if it is in another PID namespace); Interrupted on a stop request
void wait_for_left_scripts(const ProviderContext& context, const Notice& notice);

} // namespace hadeploy::local
