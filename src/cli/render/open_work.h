#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// A running step.
struct OpenStep {
    std::string address;
    std::string doing;    ///< "creating"
    std::string progress; ///< latest progress message; "" if none
    std::int64_t since_ms = 0;
};

/// The response to the first Ctrl-C while steps run.
std::string stopping_text(const std::vector<OpenStep>& open, std::int64_t now_ms);

/// The response to the first Ctrl-C before any change.
inline constexpr const char* kStoppingToLook =
    "stopping: nothing was changed (press Ctrl-C again to exit immediately)\n";

/// The response to the second Ctrl-C: the steps that stay open.
std::string left_text(const std::vector<OpenStep>& open, std::int64_t now_ms);

} // namespace hadeploy::cli
