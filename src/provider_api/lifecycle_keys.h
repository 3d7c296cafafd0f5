#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// The key under which a config keeps that its resource must not be destroyed. It goes into the
/// record with the config, so that taking the block out of the spec does not take the protection
/// away.
inline constexpr std::string_view kPreventDestroy = "prevent_destroy";
/// The same for an object that stays when its resource goes.
inline constexpr std::string_view kKeepOnDestroy = "keep_on_destroy";

/// The hint for a key of a resource or of its lifecycle that only other tools have, or that is
/// written in the wrong place; "" for any other key.
/// @param in_lifecycle  whether it was written under `lifecycle:`
std::string lifecycle_key_hint(std::string_view key, bool in_lifecycle);

} // namespace hadeploy
