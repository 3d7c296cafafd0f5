#pragma once

#include "core/error.h"
#include "core/value.h"
#include "planner/yaml/split_yaml.h"

#include <optional>

namespace hadeploy {

/// It is there for its speed: without it `validate` of long plain specs takes twice the processor
/// time, and a cold plan of 10,000 or 100,000 resources 1.4 times (see docs/performance.md).
///
/// Reads a piece that is written in the plainest of YAML's ways, many times faster than the parser:
/// block maps of `key: value`, each value on its key's line, a number, a word or a string in quotes
/// without escapes; in ASCII, with spaces and whole lines of comment. What comes out is just what
/// the parser would make of it.
/// @returns nothing for any other piece, right or wrong: that is the parser's
std::optional<Value> read_simple_yaml(std::uint16_t file, const YamlPiece& piece,
                                      Diagnostics& diagnostics);

/// A plain scalar after YAML 1.2's core schema (section 10.3.2).
Value plain_scalar(const std::string& text, Loc loc, Diagnostics& diagnostics);

} // namespace hadeploy
