#pragma once

#include "core/error.h"
#include "core/value.h"
#include "planner/yaml/split_yaml.h"

#include <optional>

namespace hadeploy {

/// A fast path: without it, `validate` of a long plain spec takes about twice the processor time,
/// and a cold plan of 10,000 or 100,000 resources takes 1.2 to 1.5 times the processor time (see
/// docs/performance.md).
///
/// Reads a piece in the simplest form of YAML, many times faster than the parser. In this form, a
/// piece consists of block maps of `key: value`. Each value is a number, a word or a quoted string
/// without escapes, on the line of its key. All text is ASCII, indentation consists of spaces, and
/// comments take whole lines. The result equals the result of the parser.
/// @returns nullopt for any other piece, valid or not, which the parser has to read
std::optional<Value> read_simple_yaml(std::uint16_t file, const YamlPiece& piece,
                                      Diagnostics& diagnostics);

/// Reads a plain scalar according to YAML 1.2's core schema (section 10.3.2).
Value plain_scalar(const std::string& text, Loc loc, Diagnostics& diagnostics);

} // namespace hadeploy
