#include "chaos/markup.h"

#include "core/text.h"

namespace hadeploy::chaos {

std::string escaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = first_code_point(text.substr(at));
        const bool control = c.code < 0x20 && c.code != '\n' && c.code != '\t' && c.code != '\r';
        if (!c.valid || control || c.code == 0xFFFE || c.code == 0xFFFF)
            out += "\xEF\xBF\xBD";
        else if (c.code == '&')
            out += "&amp;";
        else if (c.code == '<')
            out += "&lt;";
        else if (c.code == '>')
            out += "&gt;";
        else if (c.code == '"')
            out += "&quot;";
        else if (c.code == '\'')
            out += "&#39;";
        else
            out += text.substr(at, c.size);
        at += c.size;
    }
    return out;
}

} // namespace hadeploy::chaos
