#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hadeploy {

/// Format bytes ("1 GiB", "1.5 MB") and milliseconds ("1m 12s") for users.
std::string show_bytes(std::int64_t bytes);
std::string show_duration(std::int64_t milliseconds);

} // namespace hadeploy

namespace hadeploy::scalar {

/// Thrown for a value that the type does not allow. `message` can follow "memory: ".
struct Mismatch {
    std::string message;
    std::string hint = {};
};

/// Parses "1.5 GiB" to bytes, and "1h30m" or "500 ms" to milliseconds.
/// @throws Mismatch
std::int64_t parse_bytes(std::string_view text);
std::int64_t parse_duration(std::string_view text);

} // namespace hadeploy::scalar
