#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hadeploy::chaos {

/// Opens a TCP connection to any address of the host, and closes it.
/// @returns why that failed; "" if it did not
std::string connect_problem(const std::string& host, std::uint16_t port,
                            std::chrono::milliseconds timeout);

} // namespace hadeploy::chaos
