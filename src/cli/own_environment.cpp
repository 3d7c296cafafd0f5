#include "cli/own_environment.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

extern char** environ;

namespace hadeploy::cli {

namespace {
constexpr std::array<std::string_view, 5> kOwn{"HADEPLOY_ENV", "HADEPLOY_STATE", "HADEPLOY_VAULT_",
                                               "HADEPLOY_VAR_", "HADEPLOY_WEBHOOK"};

/// Moves the variables from the environment to `out`.
void take(std::map<std::string, std::string>& out) {
    std::map<std::string, char*> values; // addresses in the environment block
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        const bool ours = std::any_of(kOwn.begin(), kOwn.end(), [&](std::string_view prefix) {
            return text.starts_with(prefix);
        });
        if (!ours || equals == text.npos) continue;
        const std::string name(text.substr(0, equals));
        if (values.emplace(name, *entry + equals + 1).second) out[name] = text.substr(equals + 1);
    }
    for (const auto& [name, value] : values) {
        ::unsetenv(name.c_str());
        ::explicit_bzero(value, std::strlen(value)); // /proc/PID/environ shows this memory
    }
}
} // namespace

const std::map<std::string, std::string>& own_environment() {
    static std::map<std::string, std::string> own;
    take(own); // finds something only the first time
    return own;
}

std::string given_to_us(const std::string& name) {
    const auto it = own_environment().find(name);
    return it == own_environment().end() ? "" : it->second;
}

} // namespace hadeploy::cli
