#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::state {

inline constexpr std::size_t kKeySize = 32;

/// "state.db" -> "state.db.key", the default place of a state's key.
std::filesystem::path key_file(const std::filesystem::path& state);

/// Decodes a key from base64 to its 32 bytes.
/// @param origin  source of the key, for messages
/// @throws Error(state)
std::string parse_key(std::string_view text, const std::string& origin);

/// The keys in a file, one per line. The first one is used for locking, all of them for unlocking.
/// Copies of a state therefore remain readable after a rekey, and a state whose rekeying was
/// interrupted has its key here in any case.
/// @throws Error(state) when the file is missing, accessible to others or contains no key
std::vector<std::string> read_keys(const std::filesystem::path& file);

/// The same, but creates a missing file with a new key. Of several processes that do this at the
/// same time, one succeeds and all read its key.
std::vector<std::string> read_or_make_keys(const std::filesystem::path& file);

/// Inserts a new key before the existing ones in the file. It is on disk on return.
/// @throws Error(state)
void add_key(const std::filesystem::path& file);

} // namespace hadeploy::state
