#pragma once

#include <doctest/doctest.h>
#include <string>
#include <string_view>

namespace hadeploy {

/// Whether a text contains another one; if not, prints the text, as CHECK shows only "false".
inline bool has(const std::string& text, std::string_view part) {
    const bool found = text.find(part) != std::string::npos;
    if (!found) MESSAGE("looking at: ", text);
    return found;
}

} // namespace hadeploy
