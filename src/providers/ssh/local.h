#pragma once

#include "provider_api/provider.h"

#include <memory>

namespace hadeploy::ssh {

/// The endpoint "local": key pairs in the project's data directory. Contacts nothing.
std::shared_ptr<Provider> open_local(const Setting& setting);

} // namespace hadeploy::ssh
