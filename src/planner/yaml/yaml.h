#pragma once

#include "core/error.h"
#include "core/value.h"

namespace hadeploy {

/// Limits that a spec written by hand never meets, and an attack does.
inline constexpr std::size_t kMaxYamlBytes = 64u << 20;
inline constexpr std::size_t kMaxYamlDepth = 64;
/// A longer text is cut into pieces of about this size, which are parsed side by side.
inline constexpr std::size_t kYamlPieceBytes = 64u << 10;
inline constexpr std::size_t kMaxYamlExpandedNodes = 4'000'000; ///< after aliases are followed
inline constexpr std::size_t kMaxYamlMergedEntries = 500'000;   ///< by merge keys

/// Reads one YAML document (YAML 1.2's core schema: `no` and `010` are what they look like) into a
/// Value tree that carries places. `file` is the text's index in `sources`. A merge key, `<<: *a`
/// or
/// `<<: [*a, *b]`, adds the entries of maps for keys that are not there; they keep their places.
///
/// Refused, each with its place: duplicate keys, keys that are no scalars, a second document, tags,
/// cyclic aliases, alias bombs, deep nesting, invalid UTF-8, NUL, tab indentation,
/// integers beyond 64 bits. Syntax errors end the reading; the others are collected.
/// @param piece_bytes  the result does not depend on it
/// @returns null when the text could not be read; `problems` says why
Value read_yaml(const Sources& sources, std::uint16_t file, Diagnostics& diagnostics,
                std::size_t piece_bytes = kYamlPieceBytes);

/// The same of a text that holds secrets: what is wrong with it has its place, and no words of it.
/// @param noun  "the value": what messages call it
Value read_secret_yaml(const Sources& sources, std::uint16_t file, std::string_view noun,
                       Diagnostics& diagnostics);

} // namespace hadeploy
