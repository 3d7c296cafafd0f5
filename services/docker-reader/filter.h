#pragma once

#include "common/http.h"

#include <optional>
#include <string>

namespace hadeploy::svc {

/// The readable parts of the Docker API: only GET, only these targets without a query.
enum class View { Ping, Info, Nodes, Services, Tasks };

/// The view that a request asks for; nullopt if it must be refused.
std::optional<View> allowed_view(const HttpRequest& request);

/// The path on Docker's socket.
const char* docker_target(View view);

/// Reduces Docker's response to the fields that the visualizer needs. The fields are listed one by
/// one; environment, arguments, mounts, secrets, configs, labels and keys are not among them.
/// Throws std::runtime_error for an unexpected response.
std::string reduce(View view, const std::string& body);

} // namespace hadeploy::svc
