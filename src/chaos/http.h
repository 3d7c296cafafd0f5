#pragma once

#include "core/curl.h"

#include <chrono>
#include <memory>
#include <string>

/// The drill's use of libcurl.
namespace hadeploy::chaos {

using CurlHandle = std::unique_ptr<CURL, Freed<curl_easy_cleanup>>;

/// A request to `url`, ready to be sent. It uses its own connection (a reused one would hide that
/// new ones fail) and no proxy, and does not follow redirects.
CurlHandle make_request(const std::string& url, std::chrono::milliseconds timeout);

struct HttpAnswer {
    long status = 0; ///< 0: no response
    std::string body;
    std::string problem; ///< why there was no response
};

HttpAnswer http_get(const std::string& url, std::chrono::milliseconds timeout);

/// Joins `base`, without its trailing slashes, and `path`.
std::string join_url(std::string base, const std::string& path);

} // namespace hadeploy::chaos
