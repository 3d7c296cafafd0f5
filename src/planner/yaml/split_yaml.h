#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// A part of a YAML text that is a complete block map.
struct YamlPiece {
    std::string_view text;
    std::uint32_t line = 0; ///< number of lines before the piece
};

/// A large document, split between the entries of a top-level section, so that the pieces can be
/// parsed in parallel.
struct YamlPieces {
    YamlPiece head; ///< the text up to and including the line of the section's key
    std::string section;
    std::size_t indent = 0;         ///< indentation of the section's entries
    std::vector<YamlPiece> entries; ///< pieces of the section, in order
    YamlPiece tail;                 ///< the top-level entries after the section; may be empty
};

/// Splits the longest block section of the top level into pieces of about `size` bytes. Considers
/// only indentation and keys, so a split can be wrong, for example within a multi-line string. Then
/// a piece is invalid YAML, and the text must be parsed as a whole.
/// @returns nullopt if there is no such section, or splitting is not worthwhile
std::optional<YamlPieces> cut_yaml(std::string_view text, std::size_t size);

} // namespace hadeploy
