#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// The key of a config that protects its resource from being destroyed. It is recorded with the
/// config, so that removing the block from the spec does not remove the protection.
inline constexpr std::string_view kPreventDestroy = "prevent_destroy";
/// The key of a config whose object is kept when its resource is removed.
inline constexpr std::string_view kKeepOnDestroy = "keep_on_destroy";

/// The hint for a key, in a resource or its lifecycle, that only other tools have or that is at the
/// wrong level; "" for any other key.
/// @param in_lifecycle  whether the key is under `lifecycle:`
std::string lifecycle_key_hint(std::string_view key, bool in_lifecycle);

} // namespace hadeploy
