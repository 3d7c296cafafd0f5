#include "provider_api/provider.h"

#include <stdexcept>

namespace hadeploy {

// Few endpoints have changes that wait, and few callers of the other endpoints support waiting.

void ChangeSink::waits(std::size_t, std::string_view) {
    throw std::logic_error("this change cannot wait");
}

std::chrono::milliseconds OpenEndpoint::poll(std::span<const Change>, ChangeSink&) {
    throw std::logic_error("this endpoint has no changes that wait");
}

} // namespace hadeploy
