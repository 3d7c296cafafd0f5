#pragma once

#include "provider_api/provider.h"

#include <memory>

namespace hadeploy::ssh {

/// The endpoint "local": key pairs in the project's data directory. Makes no connection.
std::shared_ptr<OpenEndpoint> open_local(const ProviderContext& context);

} // namespace hadeploy::ssh
