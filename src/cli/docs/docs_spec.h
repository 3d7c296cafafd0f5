#pragma once

#include <string>
#include <string_view>

namespace hadeploy::cli {

/// Description of the `chaos` section.
inline constexpr std::string_view kChaosDoc =
    "Settings of `hadeploy chaos`: the hosts of the swarm, the URLs of the app and how to read and "
    "write to it, time limits, and the thresholds that a drill has to meet to pass.";

/// The part of the reference that does not follow from schemas: the form of a spec, value types.
std::string spec_reference();

/// The text escaped for a cell of a Markdown table, on one line.
std::string table_cell(std::string_view text);

/// Indents each line by two spaces.
std::string indented(std::string_view text);

/// The anchor of a Markdown heading.
std::string anchor(std::string_view heading);

} // namespace hadeploy::cli
