#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// A part of a YAML text that is a block map of its own.
struct YamlPiece {
    std::string_view text;
    std::uint32_t line = 0; ///< lines before it
};

/// A large document, cut where one entry of a top-level section ends and the next begins, so that
/// the pieces can be parsed side by side.
struct YamlPieces {
    YamlPiece head; ///< up to and with the line of the section's key
    std::string section;
    std::size_t indent = 0;         ///< of its entries
    std::vector<YamlPiece> entries; ///< of the section, in order
    YamlPiece tail;                 ///< the top-level entries after it; may be empty
};

/// Cuts the longest block section of the top level into pieces of about `size` bytes. Looks at
/// indentation and keys alone, so a cut may be wrong (within a string that goes over several lines,
/// say): then a piece is no valid YAML, and the text has to be parsed as a whole.
/// @returns nothing when there is no such section, or it would not be worth while
std::optional<YamlPieces> cut_yaml(std::string_view text, std::size_t size);

} // namespace hadeploy
