#include "common/json.h"

namespace hadeploy::svc {
namespace {

/// Counts brackets outside of strings; invalid JSON may count as too deep.
bool is_too_deep(std::string_view text) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '"') in_string = !in_string;
        if (in_string && c == '\\') ++at;
        if (in_string) continue;
        if ((c == '[' || c == '{') && ++depth > kMostJsonDepth) return true;
        if ((c == ']' || c == '}') && depth > 0) --depth;
    }
    return false;
}

} // namespace

Json parse_json(std::string_view text) {
    if (is_too_deep(text)) return Json(Json::value_t::discarded);
    return Json::parse(text, nullptr, false);
}

} // namespace hadeploy::svc
