#include "provider_api/prerequisites.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace hadeploy {

namespace fs = std::filesystem;

Prerequisite Prerequisite::met(std::string name, std::string message) {
    return {.name = std::move(name), .status = Status::met, .message = std::move(message)};
}
Prerequisite Prerequisite::limited(std::string name, std::string message, std::string fix) {
    return {std::move(name), Status::limited, std::move(message), std::move(fix)};
}
Prerequisite Prerequisite::missing(std::string name, std::string message, std::string fix) {
    return {std::move(name), Status::missing, std::move(message), std::move(fix)};
}
Prerequisite Prerequisite::missing(std::string name, const Error& error) {
    std::string fix = error.hint;
    if (fix.ends_with(kSeeDoctor)) fix.erase(fix.size() - kSeeDoctor.size());
    return missing(std::move(name), error.message, std::move(fix));
}

bool ProviderUse::has(std::string_view type) const {
    return no_spec || std::any_of(resources.begin(), resources.end(),
                                  [&](const Resource& used) { return used.type->name == type; });
}

std::string find_program(std::string_view name, const ProviderContext& context) {
    // a user's PATH often lacks the directories in which Debian installs daemons
    const std::string all = context.environment("PATH") + ":/usr/sbin:/sbin";
    for (std::string_view path = all; !path.empty();) {
        const std::size_t end = std::min(path.find(':'), path.size());
        const fs::path file = fs::path(path.substr(0, end)) / name;
        std::error_code ignored;
        if (end > 0 && fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0)
            return file.string();
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return {};
}

std::string as_root(const std::string& command) {
    return ::geteuid() == 0 ? command : "sudo " + command;
}

std::string how_to_install(const std::vector<std::string>& packages,
                           const ProviderContext& context) {
    const std::string names = fmt::format("{}", fmt::join(packages, " "));
    if (!find_program("apt-get", context).empty()) return as_root("apt-get install " + names);
    return "install the equivalent of Debian's packages " + names;
}

std::string rounded_bytes(std::int64_t bytes) {
    constexpr std::int64_t mebibyte = std::int64_t{1} << 20;
    constexpr std::int64_t gibibyte = mebibyte << 10;
    const bool large = bytes >= gibibyte;
    const std::int64_t tenths = bytes * 10 / (large ? gibibyte : mebibyte);
    const std::string rest = tenths % 10 == 0 ? "" : fmt::format(".{}", tenths % 10);
    return fmt::format("{}{} {}", tenths / 10, rest, large ? "GiB" : "MiB");
}

std::optional<std::int64_t> free_space(fs::path path) {
    std::error_code failed;
    for (path = fs::absolute(path, failed); !fs::exists(path, failed); path = path.parent_path())
        if (path == path.parent_path()) return std::nullopt;
    const fs::space_info space = fs::space(path, failed);
    if (failed) return std::nullopt;
    return static_cast<std::int64_t>(space.available);
}

std::optional<Error> loading_error(const LateLibrary& library, const char* function) {
    try {
        library.find(function);
        return std::nullopt;
    } catch (const Error& error) {
        return error;
    }
}

} // namespace hadeploy
