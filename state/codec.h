#pragma once

#include "core/value.h"
#include "state/cipher.h"

#include <string>
#include <string_view>
#include <vector>

/// Converts between values and columns of the store.
namespace hadeploy::codec {

/// The column for a Value: JSON in which each secret part is encrypted (`{"$sealed": "..."}`).
/// encode() and decode() convert every stored Value.
/// @param place  place of the column, e.g. "resources/lab/config": see Cipher::seal()
std::string encode(const Value& value, const Cipher& cipher, const std::string& place);
/// Whether the column is JSON, as each column of encode() is.
bool is_json(std::string_view column);
/// @throws Error(state) when the column is invalid or cannot be decrypted
Value decode(std::string_view column, const Cipher& cipher, const std::string& place);

/// The column for a list of addresses.
std::string encode_names(const std::vector<std::string>& names);
/// @throws Error(state) when the column is invalid
std::vector<std::string> decode_names(std::string_view column);

} // namespace hadeploy::codec
