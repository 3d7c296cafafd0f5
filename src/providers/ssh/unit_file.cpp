#include "providers/ssh/unit_file.h"

#include "core/secrecy.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string>
#include <utility>

namespace hadeploy::ssh {

namespace {
/// The kinds of units that can be files, with the section that each needs.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kUnitKinds{{
    {"service", "[Service]"},
    {"timer", "[Timer]"},
    {"socket", "[Socket]"},
    {"path", "[Path]"},
    {"mount", "[Mount]"},
    {"automount", "[Automount]"},
    {"swap", "[Swap]"},
    {"target", ""},
    {"slice", ""},
}};

std::string_view without_blanks(std::string_view line) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

/// The problem of a line of a unit file; "" if there is none.
std::string_view problem_of(std::string_view line, bool in_section) {
    if (line.front() == '[')
        return line.size() > 2 && line.back() == ']' ? "" : "is not a section such as [Service]";
    const std::string_view key = without_blanks(line.substr(0, line.find('=')));
    const bool assigns =
        line.find('=') != std::string_view::npos && !key.empty() &&
        std::all_of(key.begin(), key.end(), [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
        });
    if (!assigns) return "is not a section, an assignment (Key=value) or a comment";
    return in_section ? "" : "is before the first section";
}
} // namespace

std::string_view unit_kind(std::string_view name) {
    const std::string_view suffix = name.substr(std::min(name.rfind('.') + 1, name.size()));
    if (name.find('.') == std::string_view::npos) return {};
    for (const auto& [kind, section] : kUnitKinds)
        if (kind == suffix) return kind;
    return {};
}

void check_unit_file(const Value& content, std::string_view unit, Diagnostics& diagnostics) {
    std::string_view needed;
    for (const auto& [kind, section] : kUnitKinds)
        if (!unit.empty() && kind == unit_kind(unit)) needed = section;
    std::string_view rest = content.as_string();
    bool in_section = false, continues = false, found = needed.empty();
    for (int number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = without_blanks(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        const std::string_view problem = continues ? "" : problem_of(line, in_section);
        if (!problem.empty())
            diagnostics.add(
                fmt::format("line {} of the unit, {}, {}", number, quoted(content, line), problem),
                content.loc());
        in_section |= line.front() == '[' && !continues;
        found |= line == needed && !continues;
        continues = line.back() == '\\';
    }
    if (!found)
        diagnostics.add(fmt::format("the unit {} has no section {}", quoted(content, unit), needed),
                        content.loc());
}

} // namespace hadeploy::ssh
