#pragma once

#include <string>
#include <string_view>

namespace hadeploy::local {

/// "host:port" of a URL, without user and password.
std::string authority_of(std::string_view url);

} // namespace hadeploy::local
