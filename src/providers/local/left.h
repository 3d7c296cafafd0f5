#pragma once

#include "core/file.h"
#include "provider_api/provider.h"

#include <string>
#include <utility>

namespace hadeploy::local {

/// The variable by which a script that changes something is known later on as begun by this process
/// for this state.
std::pair<std::string, std::string> script_mark(const ProviderContext& setting);

/// A lock that a script which changes something holds while it runs, by a descriptor of its shell:
/// also where hadeploy is killed meanwhile, and the next one cannot see the shell's process because
/// it runs in another container. What the script begins does not hold it.
/// @return  to be given to the shell; no descriptor where the project has no place for it
Fd script_lock(const ProviderContext& setting);

/// Waits for the scripts that a hadeploy which was killed has left at work on the same state: what
/// they change can't be read yet, and they must not be begun a second time beside themselves. What
/// a script has put into the background, to stay, is not waited for.
/// @param notice  told of each of them, for people; may be empty
/// @throws Error(unreachable) naming one that still runs after a minute, or at a stop request; from
///         another PID namespace it has no number
void wait_for_left_scripts(const ProviderContext& setting, const Notice& notice);

} // namespace hadeploy::local
