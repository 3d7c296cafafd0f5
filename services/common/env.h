#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hadeploy::svc {

/// A place to connect to: a name that is resolved anew on every connection, and a port.
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;

    std::string text() const { return host + ":" + std::to_string(port); }
};

/// The services take their whole configuration from the environment. Each reader throws
/// std::runtime_error naming the variable, its value and what it should look like.
std::string env_text(const char* name, const std::string& fallback);
std::int64_t env_integer(const char* name, std::int64_t fallback, std::int64_t low,
                         std::int64_t high);
std::uint16_t env_port(const char* name, std::uint16_t fallback);
std::chrono::milliseconds env_millis(const char* name, std::int64_t fallback);
Endpoint env_endpoint(const char* name, const std::string& fallback);

/// Where this process runs: the swarm node (NODE_NAME) and the container (its host name).
struct Place {
    std::string node;
    std::string container;

    static Place from_env();
};

} // namespace hadeploy::svc
