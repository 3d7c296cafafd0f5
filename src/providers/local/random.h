#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hadeploy::local {

/// A number from 0 to `limit` - 1, each as likely as any other, from the system's random source.
/// @param limit at least 1
std::uint64_t random_below(std::uint64_t limit);

/// Puts the characters in an order that nobody can guess.
void shuffle(std::string& text);

/// Bytes, the first one the highest, as one decimal number.
std::string decimal(std::string_view bytes);

} // namespace hadeploy::local
