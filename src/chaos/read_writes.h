#pragma once

#include <chrono>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace hadeploy::chaos {

/// The IDs of all writes that the app knows at the end. `path` returns a JSON list of IDs or of
/// objects with an `id`, or `{"writes": that list, "next": N}`; for a non-null `next` the path is
/// requested again with `after=N`. All URLs are tried until `patience` has passed.
/// @throws Error(unreachable) with the problem of each URL; Interrupted
std::set<std::string> read_writes(const std::vector<std::string>& urls, const std::string& path,
                                  std::chrono::milliseconds timeout,
                                  std::chrono::milliseconds patience, const std::stop_token& stop);

} // namespace hadeploy::chaos
