#pragma once

#include "cli/render/terminal.h"

#include <string>
#include <vector>

namespace hadeploy::cli {

/// A part of the reference about the language of specs, the state or plans.
struct DocTopic {
    std::string name;     ///< for `hadeploy docs NAME`: the heading in lower case, with hyphens
    std::string markdown; ///< with its heading and its subsections
};

/// The topics in the order of the reference. They are its sections, so that the terminal and the
/// page say the same.
std::vector<DocTopic> doc_topics();

/// Renders the Markdown of the reference for the terminal: headings, paragraphs, lists, code
/// and tables, of which each row becomes an entry.
std::string render_markdown(std::string_view markdown, const Style& style);

} // namespace hadeploy::cli
