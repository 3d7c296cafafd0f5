#pragma once

#include "provider_api/provider.h"

#include <cstdint>

namespace hadeploy::aws {

/// Adds the provider `aws` and its types.
void add_aws(Registry& registry);

/// Number of requests to AWS by this process.
std::int64_t requests();

} // namespace hadeploy::aws
