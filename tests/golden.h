#pragma once

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace hadeploy::test {

/// The first line in which two texts differ, for a message that a person can act on.
inline std::string first_difference(const std::string& expected, const std::string& actual) {
    std::istringstream a(expected), b(actual);
    std::string x, y;
    for (int line = 1;; ++line) {
        const bool more_a = static_cast<bool>(std::getline(a, x));
        const bool more_b = static_cast<bool>(std::getline(b, y));
        if (!more_a && !more_b) return "they differ in their last line end";
        if (more_a != more_b || x != y)
            return "line " + std::to_string(line) + "\n  expected: " + (more_a ? x : "(the end)") +
                   "\n  got:      " + (more_b ? y : "(the end)");
    }
}

/// Compares a text with the file of that name (relative to the source tree). With
/// HADEPLOY_ACCEPT=1 in the environment the file is written instead: look at its diff then.
inline void check_golden(const std::string& name, const std::string& actual) {
    namespace fs = std::filesystem;
    const fs::path file = fs::path(HADEPLOY_SOURCE_DIR) / name;
    const char* accept = std::getenv("HADEPLOY_ACCEPT");
    if (accept != nullptr && std::string(accept) == "1") {
        fs::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << actual;
        return;
    }
    std::ifstream in(file, std::ios::binary);
    REQUIRE_MESSAGE(in.good(), "there is no ", file.string(), ": run again with HADEPLOY_ACCEPT=1");
    std::ostringstream expected;
    expected << in.rdbuf();
    const bool same = expected.str() == actual; // or doctest would print both texts whole
    CHECK_MESSAGE(same, name, ": ", first_difference(expected.str(), actual));
}

} // namespace hadeploy::test
