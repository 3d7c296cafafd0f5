#pragma once

#include "core/value.h"

#include <string>
#include <string_view>
#include <vector>

/// How the store writes what it keeps into columns.
namespace hadeploy::codec {

/// A Value's column. Every Value that is stored goes through this pair, so that it is here, and
/// only here, that the parts marked as secret can be encrypted.
std::string encode(const Value& value);
/// @throws Error(state) when the column holds something else
Value decode(std::string_view column);

/// A list of addresses.
std::string encode_names(const std::vector<std::string>& names);
std::vector<std::string> decode_names(std::string_view column);

} // namespace hadeploy::codec
