#include "common/env.h"

#include "common/text.h"

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <unistd.h>

namespace hadeploy::svc {

std::string env_text(const char* name, const std::string& fallback) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : fallback;
}

std::int64_t env_integer(const char* name, std::int64_t fallback, std::int64_t low,
                         std::int64_t high) {
    const std::string text = env_text(name, std::to_string(fallback));
    const auto value = parse_integer(text);
    if (!value || *value < low || *value > high)
        throw std::runtime_error(std::string(name) + " is " + quote(text) +
                                 "; set it to an integer from " + std::to_string(low) + " to " +
                                 std::to_string(high));
    return *value;
}

std::uint16_t env_port(const char* name, std::uint16_t fallback) {
    return static_cast<std::uint16_t>(env_integer(name, fallback, 0, 65535));
}

std::chrono::milliseconds env_millis(const char* name, std::int64_t fallback) {
    return std::chrono::milliseconds(env_integer(name, fallback, 1, 600'000));
}

Endpoint env_endpoint(const char* name, const std::string& fallback) {
    const std::string text = env_text(name, fallback);
    const std::size_t colon = text.rfind(':');
    const auto port = parse_integer(colon == std::string::npos ? "" : text.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535 || colon == 0)
        throw std::runtime_error(std::string(name) + " is " + quote(text) +
                                 "; set it to HOST:PORT, for example " + fallback);
    return {text.substr(0, colon), static_cast<std::uint16_t>(*port)};
}

Place Place::from_env() {
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    const std::string container = host.data();
    return {env_text("NODE_NAME", container), container};
}

} // namespace hadeploy::svc
