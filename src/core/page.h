#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// The text for XML and HTML, in content and in quoted attributes. Characters that XML cannot
/// contain, and bytes that are not UTF-8, become U+FFFD.
std::string escape_markup(std::string_view text);

/// A page that loads nothing: its style and its scripts are in the file.
struct HtmlPage {
    std::string title; ///< plain text
    std::string style; ///< rules in addition to those that all pages share
    std::string body;  ///< HTML
    std::string script = {};
};

/// The page as HTML. Its policy forbids every request and, without a script of its own, every
/// script.
std::string html_page(const HtmlPage& page);

} // namespace hadeploy
