#pragma once

#include "core/http.h"

#include <chrono>
#include <string>

/// Requests to the app of a drill.
namespace hadeploy::chaos {

/// A request without a proxy.
http::Request request_to(std::string url, std::chrono::milliseconds timeout);

/// Joins `base`, without its trailing slashes, and `path`.
std::string join_url(std::string base, const std::string& path);

} // namespace hadeploy::chaos
