#pragma once

#include "providers/ssh/exec.h"

#include <string>
#include <string_view>

namespace hadeploy::ssh {

/// Runs sections that change the host as an operation: it continues if the connection breaks, and
/// its result is then fetched over a new connection (see operation.cpp).
/// @param notice  receives progress messages
/// @throws Interrupted; a running section still runs to its end on the host
Outcome run_operation(Pool& pool, const Login& login, std::span<const Section> sections,
                      const Frames::OnSection& on_section,
                      const std::function<void(std::string_view)>& notice, std::stop_token stop);

/// How long to wait for operations of a killed hadeploy, in half seconds. Ten minutes are enough
/// for a package installation or for the tasks of a stack to start on a slow machine.
inline constexpr int kPatience = 1200;
/// A preamble that waits for operations of a state on the host.
/// @param patience  time limit in half seconds
std::string wait_for_operations(std::string_view lineage, int patience = kPatience);

/// Identifies an operation.
struct OperationName {
    std::string lineage; ///< lineage of the state; only one run at a time uses a state
    std::string process; ///< ID of the hadeploy process
    std::string id;      ///< unique; also the boundary of its frames
};
/// The script that starts an operation, or attaches to it if it has already started.
/// @param known_boot  boot id of the host when the operation started; "" if not known. If it is
/// known, the operation is not started again: if it no longer exists, the script reports "rebooted"
/// or "gone"
std::string compose_operation(std::span<const Section> sections, const OperationName& name,
                              std::string_view preamble, std::string_view known_boot);

} // namespace hadeploy::ssh
