#pragma once

#include "provider_api/provider.h"
#include "state/transfer.h"

namespace hadeploy::cli {

/// Validates an edited state before it is pushed: later runs execute its commands.
/// @param what  name of the document in messages
/// @throws Error: addresses, types or values that hadeploy never records
void check_pushed(const state::Contents& pushed, const Registry& registry, const std::string& what);

} // namespace hadeploy::cli
