#pragma once

#include "core/curl.h"

#include <chrono>
#include <memory>
#include <string>

/// The little that the drill needs of libcurl.
namespace hadeploy::chaos {

using CurlHandle = std::unique_ptr<CURL, Freed<curl_easy_cleanup>>;

/// A request to `url`, ready to be sent: over a connection of its own (as a kept one would hide
/// that the way to the app is gone), directly (no proxy), not following redirects.
CurlHandle make_request(const std::string& url, std::chrono::milliseconds timeout);

struct HttpAnswer {
    long status = 0; ///< 0: there was no answer
    std::string body;
    std::string problem; ///< why there was none
};

HttpAnswer http_get(const std::string& url, std::chrono::milliseconds timeout);

/// `base` without slashes at its end, and `path`.
std::string join_url(std::string base, const std::string& path);

} // namespace hadeploy::chaos
