#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hadeploy::state {

inline constexpr std::size_t kKeySize = 32;

/// "state.db" -> "state.db.key", where a state's key is unless the user has said otherwise.
std::filesystem::path key_file(const std::filesystem::path& state);

/// The 32 bytes of a key in base64.
/// @param origin  for the message
/// @throws Error(state)
std::string parse_key(std::string_view text, const std::string& origin);

/// @throws Error(state): not there, open to others, no key in it
std::string read_key(const std::filesystem::path& file);

/// The same; a file that is not there is made, with a new key. Of several that make it at the same
/// time one does, and all read that.
std::string read_or_make_key(const std::filesystem::path& file);

} // namespace hadeploy::state
