#pragma once

#include "provider_api/prerequisites.h"

#include <vector>

namespace hadeploy::ssh {

/// See HasPrerequisites: for each ssh.host a key with which hadeploy can log in. No host is
/// contacted.
std::vector<Prerequisite> requirements(const ProviderUse& use, const ProviderContext& context);

} // namespace hadeploy::ssh
