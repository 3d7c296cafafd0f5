#include "state/libpq.h"

namespace hadeploy::postgres {

std::string_view text_or_empty(const char* text) {
    return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string in_one_line(std::string_view message) {
    std::string out;
    for (const char c : message)
        if (c != '\n' && c != '\t')
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

} // namespace hadeploy::postgres
