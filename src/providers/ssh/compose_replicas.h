#pragma once

#include "core/value.h"

#include <cstdint>
#include <optional>
#include <string>

namespace hadeploy::ssh {

/// The number of tasks of a service according to its compose file.
struct DeclaredReplicas {
    bool global = false;                    ///< a task on each node
    std::optional<std::int64_t> count = {}; ///< empty if it is not known
    std::string written = {}; ///< as in the compose file, "${WEB_REPLICAS}"; "": the default
    std::string place;        ///< "stack.yml:12"
};
/// @param config   of a docker.stack or docker.compose
/// @param service  its name in the compose file
/// @returns nothing if there is no such service
/// @throws Error(spec)
std::optional<DeclaredReplicas> declared_replicas(const Value& config, const std::string& service);

} // namespace hadeploy::ssh
