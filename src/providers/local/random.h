#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hadeploy::local {

/// A uniformly distributed number from 0 to `limit` - 1, from the system's random source.
/// @param limit at least 1
std::uint64_t random_below(std::uint64_t limit);

/// Puts the characters in a random order. The random numbers are from the system's random source.
void shuffle(std::string& text);

/// The decimal form of a big-endian number.
std::string decimal(std::string_view bytes);

} // namespace hadeploy::local
