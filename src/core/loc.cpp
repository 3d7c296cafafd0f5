#include "core/loc.h"

#include <fmt/format.h>

namespace hadeploy {

std::uint16_t Sources::add(std::filesystem::path path, std::string text) {
    files_.push_back({std::move(path), std::move(text)});
    return static_cast<std::uint16_t>(files_.size() - 1);
}

std::filesystem::path Sources::path(Loc loc) const {
    return loc.known() && loc.file < files_.size() ? files_[loc.file].path
                                                   : std::filesystem::path{};
}

std::string_view Sources::line(Loc loc) const {
    if (!loc.known() || loc.file >= files_.size()) return {};
    std::string_view rest = files_[loc.file].text;
    for (std::uint32_t n = 1; n < loc.line; ++n) {
        const auto end = rest.find('\n');
        if (end == std::string_view::npos) return {};
        rest.remove_prefix(end + 1);
    }
    rest = rest.substr(0, rest.find('\n'));
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    return rest;
}

std::string Sources::describe(Loc loc) const {
    if (!loc.known()) return {};
    return fmt::format("{}:{}:{}", path(loc).string(), loc.line, loc.column);
}

} // namespace hadeploy
