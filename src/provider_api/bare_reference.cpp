#include "provider_api/bare_reference.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>

namespace hadeploy {

std::vector<std::string> names_in_reference(std::string_view text) {
    std::vector<std::string> out;
    const auto in_name = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    };
    while (!text.empty()) {
        std::size_t end = 0;
        while (end < text.size() && in_name(text[end])) ++end;
        if (end == 0 || std::isalpha(static_cast<unsigned char>(text[0])) == 0) return {};
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
        while (text.starts_with('[')) {
            const std::size_t close = text.find(']');
            if (close == text.npos) return {};
            text.remove_prefix(close + 1);
        }
        if (text.empty()) break;
        if (text.front() != '.' || text.size() == 1) return {};
        text.remove_prefix(1);
    }
    return out;
}

std::string bare_reference_hint(const Value& value) {
    constexpr std::array<std::string_view, 8> roots{"var",    "local", "data",  "module",
                                                    "secret", "each",  "count", "path"};
    if (!value.is_string() || value.secret()) return {};
    const std::vector<std::string> names = names_in_reference(value.as_string());
    const bool reference =
        names.size() > 1 && std::find(roots.begin(), roots.end(), names.front()) != roots.end();
    return reference ? fmt::format("write a reference within ${{}}: \"${{{}}}\"", value.as_string())
                     : "";
}

} // namespace hadeploy
