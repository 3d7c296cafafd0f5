#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::state {

inline constexpr std::size_t kKeySize = 32;

/// "state.db" -> "state.db.key", the default path of a state's key.
std::filesystem::path key_file(const std::filesystem::path& state);

/// Decodes a key from base64 to its 32 bytes.
/// @param origin  source of the key, for messages
/// @throws Error(state)
std::string parse_key(std::string_view text, const std::string& origin);

/// The same for several keys, separated by spaces or line ends.
std::vector<std::string> parse_keys(const std::string& text, const std::string& origin);

/// The keys in a file, one per line. The first one is used for encryption, all of them for
/// decryption. Copies of a state therefore remain readable after a rekey, and so does a state whose
/// rekeying was interrupted.
/// @throws Error(state) when the file is missing, accessible to others or contains no key
std::vector<std::string> read_keys(const std::filesystem::path& file);

/// Reads the keys in a file, and creates a missing file with a new key. If several processes create
/// it at the same time, one succeeds and all of them read its key.
std::vector<std::string> read_or_make_keys(const std::filesystem::path& file);

/// Inserts a new key before the existing ones in the file. The key is on disk on return.
/// @throws Error(state)
void add_key(const std::filesystem::path& file);

} // namespace hadeploy::state
