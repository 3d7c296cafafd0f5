#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// A step that has begun.
struct OpenStep {
    std::string address;
    std::string doing;    ///< "creating"
    std::string progress; ///< what it is at; "" when it has not said so
    std::int64_t since_ms = 0;
};

/// What the first Ctrl-C is answered with while steps run: lines that stay.
std::string stopping_text(const std::vector<OpenStep>& open, std::int64_t now_ms);

/// The same while nothing is changed yet.
inline constexpr const char* kStoppingToLook =
    "stopping: nothing was changed (Ctrl-C again leaves at once)\n";

/// What the second one is answered with: what stays open.
std::string left_text(const std::vector<OpenStep>& open, std::int64_t now_ms);

} // namespace hadeploy::cli
