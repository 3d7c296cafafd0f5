#pragma once

#include "provider_api/prerequisites.h"

namespace hadeploy::aws {

/// Whether there are credentials. They are not sent to AWS, except to assume a role.
Prerequisite check_credentials(const ProviderContext& context);

/// Whether AWS accepts the credentials of an endpoint: asks it who the caller is.
Prerequisite check_access(const Endpoint& endpoint, const ProviderContext& context);

} // namespace hadeploy::aws
