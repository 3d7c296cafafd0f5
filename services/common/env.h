#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hadeploy::svc {

/// An address to connect to: a name, resolved again for every connection, and a port.
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;

    std::string text() const { return host + ":" + std::to_string(port); }
};

/// The services are configured only by the environment. Each function throws std::runtime_error
/// with the variable, its value and the expected format.
std::string env_text(const char* name, const std::string& fallback);
std::int64_t env_integer(const char* name, std::int64_t fallback, std::int64_t low,
                         std::int64_t high);
std::uint16_t env_port(const char* name, std::uint16_t fallback);
std::chrono::milliseconds env_millis(const char* name, std::int64_t fallback);
Endpoint env_endpoint(const char* name, const std::string& fallback);

/// The location of this process: the swarm node (NODE_NAME) and the container (its host name).
struct Place {
    std::string node;
    std::string container;

    static Place from_env();
};

} // namespace hadeploy::svc
