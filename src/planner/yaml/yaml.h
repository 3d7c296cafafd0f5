#pragma once

#include "core/error.h"
#include "core/value.h"

namespace hadeploy {

/// Limits against malicious input, which no hand-written spec reaches.
inline constexpr std::size_t kMaxYamlBytes = 64u << 20;
inline constexpr std::size_t kMaxYamlDepth = 64;
/// A longer text is split into pieces of about this size, which are parsed in parallel.
inline constexpr std::size_t kYamlPieceBytes = 64u << 10;
/// Number of values after aliases are expanded.
inline constexpr std::size_t kMaxYamlExpandedNodes = 4'000'000;
/// Number of entries that merge keys add.
inline constexpr std::size_t kMaxYamlMergedEntries = 500'000;

/// Reads one YAML document (YAML 1.2's core schema: `no` is a string, and `010` is the number
/// 10) into a Value tree with locations. `file` is the index of the text in `sources`. A merge key,
/// `<<: *a` or `<<: [*a, *b]`, adds entries of other maps for keys that are missing; the entries
/// keep their locations.
///
///
/// Rejects, with their location: duplicate keys, keys that are not scalars, a second document,
/// tags, cyclic aliases, alias bombs, deep nesting, invalid UTF-8, NUL, tabs in indentation,
/// integers that do not fit in 64 bits. A syntax error ends the reading; other errors are
/// collected.
/// @param piece_bytes  size of the pieces of a long text; does not affect the result
/// @returns null if the text could not be read; `diagnostics` has the reasons
Value read_yaml(const Sources& sources, std::uint16_t file, Diagnostics& diagnostics,
                std::size_t piece_bytes = kYamlPieceBytes);

/// Reads a text with secrets: errors have a location, but do not quote the text.
/// @param noun  name of the text in messages: "the value"
Value read_secret_yaml(const Sources& sources, std::uint16_t file, std::string_view noun,
                       Diagnostics& diagnostics);

} // namespace hadeploy
