#include "chaos/http.h"

namespace hadeploy::chaos {

http::Request request_to(std::string url, std::chrono::milliseconds timeout) {
    return {.url = std::move(url), .timeout = timeout, .most_bytes = 64u << 20, .proxy = false};
}

std::string join_url(std::string base, const std::string& path) {
    while (base.ends_with('/')) base.pop_back();
    return base + path;
}

} // namespace hadeploy::chaos
