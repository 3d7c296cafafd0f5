#pragma once

#include "core/http.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Signature Version 4 of AWS:
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
namespace hadeploy::aws {

struct Credentials {
    std::string access_key, secret_key;
    std::string session_token = {};
    std::int64_t expires = 0; ///< Unix time in seconds; 0: never
};

/// A request to sign. Header names are in lower case and unique; `host` must be one of them.
struct Signable {
    std::string method = "POST";
    std::string path = "/"; ///< as sent, that is, encoded once
    /// Decoded, in any order.
    std::vector<std::pair<std::string, std::string>> query = {};
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
};

/// Percent-encodes all bytes except A-Z a-z 0-9 - . _ ~, as SigV4 and form bodies need it.
std::string percent_encoded(std::string_view text);

/// The first step of a signature: the request in canonical form.
std::string canonical_request(const Signable& request);

/// The headers that sign a request: X-Amz-Date, X-Amz-Security-Token if there is a token, and
/// Authorization. All headers of the request are signed.
/// @param now  Unix time in seconds
std::vector<http::Header> signature(Signable request, const Credentials& credentials,
                                    std::string_view region, std::string_view service,
                                    std::int64_t now);

} // namespace hadeploy::aws
