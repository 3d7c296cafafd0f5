#pragma once

#include <cstdint>
#include <string>

namespace hadeploy::cli {

/// Where metrics are served: a numeric address and a port.
struct ListenAddress {
    std::string host; ///< without brackets
    std::uint16_t port = 0;
    bool v6 = false;
    bool loopback = false;
};

/// Parses "127.0.0.1:9464" or "[::1]:9464".
/// @throws Error(usage)
ListenAddress parse_listen_address(const std::string& text);

/// The host and port of a URL.
std::string url_of(const ListenAddress& address);

} // namespace hadeploy::cli
