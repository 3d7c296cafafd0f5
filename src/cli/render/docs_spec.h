#pragma once

#include <string>
#include <string_view>

namespace hadeploy::cli {

/// What the `chaos` section is for.
inline constexpr std::string_view kChaosDoc =
    "What `hadeploy chaos` needs to know: the swarm's hosts, where the app answers and how it is "
    "read and written to, how long to wait for what, and what has to hold for the drill to be a "
    "success.";

/// The part of the reference that no schema can tell: the form of a spec, and its value types.
std::string spec_reference();

/// The part of the reference about the built-in functions.
std::string functions_markdown();

/// Text for a cell of a Markdown table: on one line, without what would end the cell.
std::string table_cell(std::string_view text);

/// Each line two columns to the right.
std::string indented(std::string_view text);

/// The name that a Markdown heading has in links.
std::string anchor(std::string_view heading);

} // namespace hadeploy::cli
