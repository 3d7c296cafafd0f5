#include "core/page.h"

#include "core/text.h"
#include "embedded/page_css.h"

#include <fmt/format.h>

namespace hadeploy {

std::string escape_markup(std::string_view text) {
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

std::string html_page(const HtmlPage& page) {
    std::string out = fmt::format(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'{}\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n{}{}</style>\n"
        "</head>\n<body>\n",
        page.script.empty() ? "" : "; script-src 'unsafe-inline'", escape_markup(page.title),
        embedded::page_css, page.style);
    out += page.body;
    if (!page.script.empty()) out += "<script>\n" + page.script + "</script>\n";
    return out + "</body>\n</html>\n";
}

} // namespace hadeploy
