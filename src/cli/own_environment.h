#pragma once

#include <map>
#include <string>
#include <string_view>

namespace hadeploy::cli {

/// What the environment has for hadeploy alone: keys and passwords (HADEPLOY_STATE_...,
/// HADEPLOY_VAULT_...) and the values of variables (HADEPLOY_VAR_...). The first call, which has to
/// come before any thread or child is started, takes them out of the environment: so no child
/// inherits them, whichever code starts it, and /proc/PID/environ does not show them.
const std::map<std::string, std::string>& own_environment();

/// One of them; "" when it is not given.
std::string given_to_us(const std::string& name);

} // namespace hadeploy::cli
