#pragma once

#include "bench/load.h"
#include "core/error.h"
#include "provider_api/schema.h"

namespace hadeploy::bench {

/// The keys of a load. They are the keys of a matrix file and of its rows.
const Schema& load_schema();

/// One load without a file.
/// @param given  keys of load_schema()
/// @throws Error: every problem
Load read_load(const Value& given);

/// Reads a matrix file: keys that count for all rows, and `rows`, each with a `name`, an optional
/// command `before`, and its own keys.
/// @param file   its index in `sources`
/// @param given  keys from the command line, in place of the file's keys for all rows
/// @throws Error(spec): every problem, with its place
std::vector<Load> read_matrix(const Sources& sources, std::uint16_t file, const Value& given);

/// Parses "p99=200ms", "failed=0", "rate=100".
/// @returns figure and limit as a threshold of load_schema()
/// @throws Error(usage)
std::pair<std::string, Value> parse_threshold(const std::string& text);

} // namespace hadeploy::bench
