#pragma once

#include "provider_api/provider.h"
#include "state/transfer.h"

namespace hadeploy::cli {

/// Looks at what somebody has edited in a pulled state: commands follow from it.
/// @param what  names the document in messages
/// @throws Error: addresses, types or values that no hadeploy records
void check_pushed(const state::Contents& pushed, const Registry& registry, const std::string& what);

} // namespace hadeploy::cli
