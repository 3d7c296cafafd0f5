#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hadeploy {

/// "1 GiB", "1.5 MB": bytes for people. "1m 12s": milliseconds for people.
std::string show_bytes(std::int64_t bytes);
std::string show_duration(std::int64_t milliseconds);

} // namespace hadeploy

namespace hadeploy::scalar {

/// A value that its type does not allow. `message` fits after "memory: ".
struct Mismatch {
    std::string message;
    std::string hint = {};
};

/// "1.5 GiB" -> bytes; "1h30m", "500 ms" -> milliseconds.
/// @throws Mismatch
std::int64_t parse_bytes(std::string_view text);
std::int64_t parse_duration(std::string_view text);

} // namespace hadeploy::scalar
