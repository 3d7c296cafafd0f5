#include "core/loc.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {
constexpr std::string_view kSecretLine = "(secret)";
}

std::uint16_t Sources::add(std::filesystem::path path, std::string text) {
    std::vector<std::size_t> lines{0};
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', end + 1))
        lines.push_back(end + 1);
    files_.push_back({std::move(path), std::move(text), std::move(lines)});
    return static_cast<std::uint16_t>(files_.size() - 1);
}

std::uint16_t Sources::add_given(std::string name, std::string text) {
    const std::uint16_t index = add(std::move(name), std::move(text));
    files_[index].given = true;
    return index;
}

std::size_t Sources::offset(Loc loc) const {
    if (!loc.known() || loc.file >= files_.size()) return std::string::npos;
    const File& f = files_[loc.file];
    if (loc.line > f.lines.size() || loc.column == 0) return std::string::npos;
    const std::size_t offset = f.lines[loc.line - 1] + loc.column - 1;
    return offset <= f.text.size() ? offset : std::string::npos;
}

Loc Sources::at(std::uint16_t file, std::size_t offset) const {
    const std::vector<std::size_t>& lines = files_[file].lines;
    const auto next = std::upper_bound(lines.begin(), lines.end(), offset);
    const std::size_t column = offset - *std::prev(next) + 1;
    return {static_cast<std::uint32_t>(next - lines.begin()),
            static_cast<std::uint16_t>(std::min<std::size_t>(column, 65535)), file};
}

std::filesystem::path Sources::path(Loc loc) const {
    return loc.known() && loc.file < files_.size() ? files_[loc.file].path
                                                   : std::filesystem::path{};
}

Sources::Line Sources::line(Loc loc) const {
    if (!loc.known() || loc.file >= files_.size()) return {};
    const File& f = files_[loc.file];
    if (loc.line > f.lines.size()) return {};
    const std::size_t begin = f.lines[loc.line - 1];
    std::size_t end = std::min(f.text.find('\n', begin), f.text.size());
    if (end > begin && f.text[end - 1] == '\r') --end;
    const std::size_t place = begin + std::max<std::size_t>(loc.column, 1) - 1;
    Line out{{}, place - begin + 1};
    std::size_t at = begin;
    for (const auto& [from, to] : f.hidden) {
        const std::size_t first = std::max(from, at), last = std::min(to, end);
        if (first >= last) continue;
        out.text += f.text.substr(at, first - at);
        if (place >= first) out.column = out.text.size() + 1;
        out.text += kSecretLine;
        if (place >= last) out.column = out.text.size() + 1 + (place - last);
        at = last;
    }
    out.text += f.text.substr(at, end - at);
    return out;
}

void Sources::hide(std::uint16_t file, std::size_t begin, std::size_t end) {
    if (file >= files_.size() || begin >= std::min(end, files_[file].text.size())) return;
    auto& hidden = files_[file].hidden;
    const std::pair one(begin, end);
    hidden.insert(std::upper_bound(hidden.begin(), hidden.end(), one), one);
}

std::string Sources::describe(Loc loc) const {
    if (!loc.known()) return {};
    return fmt::format("{}:{}:{}", path(loc).string(), loc.line, loc.column);
}

} // namespace hadeploy
