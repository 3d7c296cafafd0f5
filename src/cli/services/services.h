#pragma once

#include "cli/context.h"
#include "core/recorded_resource.h"
#include "planner/plan/prior_state.h"

#include <string>
#include <vector>

namespace hadeploy::cli {

/// A service of a recorded docker.stack or docker.compose.
struct Service {
    std::string address; ///< of the resource
    std::string stack;   ///< name of the stack or the compose project
    std::string name;    ///< in the compose file: "web"
    bool swarm = false;  ///< of a docker.stack
    Value hosts;         ///< connections by name: managers of the swarm, or the only host

    /// As Docker names the service of a stack: "app_web".
    [[nodiscard]] std::string full_name() const { return stack + "_" + name; }
};

/// The services in the state, by address and name.
std::vector<Service> recorded_services(const PriorState& prior);

/// The service named `web`, `app_web` or `ADDRESS/web`.
/// @throws Error(usage) if there is none, or several: the hint names the candidates
const Service& service_named(const std::string& text, const std::vector<Service>& services);

/// A service, and which of its tasks: "web", "web.2", "web@node1", "web.2@node1", as in the lines
/// of `logs`.
struct TaskName {
    Service service;
    std::string slot; ///< "": any
    std::string node; ///< "": any
};
/// @throws Error(usage) as service_named()
TaskName task_named(const std::string& text, const std::vector<Service>& services);

} // namespace hadeploy::cli
