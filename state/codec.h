#pragma once

#include "core/value.h"
#include "state/cipher.h"

#include <string>
#include <string_view>
#include <vector>

/// How the store writes what it keeps into columns.
namespace hadeploy::codec {

/// A Value's column: JSON, in which each part that is marked as secret is encrypted
/// (`{"$sealed": "..."}`). Every Value that is stored goes through this pair.
/// @param place  the column's, "resources/lab/config": see Cipher::seal()
std::string encode(const Value& value, const Cipher& cipher, const std::string& place);
/// @throws Error(state) when the column holds something else, or can't be opened
Value decode(std::string_view column, const Cipher& cipher, const std::string& place);

/// A list of addresses.
std::string encode_names(const std::vector<std::string>& names);
/// @throws Error(state) when the column holds something else
std::vector<std::string> decode_names(std::string_view column);

} // namespace hadeploy::codec
