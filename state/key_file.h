#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::state {

inline constexpr std::size_t kKeySize = 32;

/// "state.db" -> "state.db.key", where a state's key is unless the user has said otherwise.
std::filesystem::path key_file(const std::filesystem::path& state);

/// The 32 bytes of a key in base64.
/// @param origin  for the message
/// @throws Error(state)
std::string parse_key(std::string_view text, const std::string& origin);

/// The keys in a file, one a line. The first locks what is new; all of them open what was made
/// before. So a state can get another key without its copies becoming unreadable, and a state whose
/// rekeying was interrupted finds its key here, whichever it is.
/// @throws Error(state): not there, open to others, no key in it
std::vector<std::string> read_keys(const std::filesystem::path& file);

/// The same; a file that is not there is made, with a new key. Of several that make it at the same
/// time one does, and all read that.
std::vector<std::string> read_or_make_keys(const std::filesystem::path& file);

/// Puts a new key before those that are in the file. Durable when it returns.
/// @throws Error(state)
void add_key(const std::filesystem::path& file);

} // namespace hadeploy::state
