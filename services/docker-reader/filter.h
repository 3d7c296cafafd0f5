#pragma once

#include "common/http.h"

#include <optional>
#include <string>

namespace hadeploy::svc {

/// What of the Docker API may be read: whole targets, nothing after them, no other method.
enum class View { Ping, Info, Nodes, Services, Tasks };

/// The view that a request asks for; nothing when it must be refused.
std::optional<View> allowed_view(const HttpRequest& request);

/// The path on Docker's socket.
const char* docker_target(View view);

/// Docker's answer cut down to the fields that a picture of the swarm needs. Fields are named one
/// by one: environment, arguments, mounts, secrets, configs, labels and keys are not among them.
/// Throws std::runtime_error when the answer is not what Docker gives.
std::string reduce(View view, const std::string& body);

} // namespace hadeploy::svc
