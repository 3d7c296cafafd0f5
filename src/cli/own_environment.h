#pragma once

#include <map>
#include <string>
#include <string_view>

namespace hadeploy::cli {

/// The environment variables meant only for hadeploy: the state, keys and passwords
/// (HADEPLOY_STATE..., HADEPLOY_VAULT_...), the environment (HADEPLOY_ENV), the URL of a webhook
/// (HADEPLOY_WEBHOOK), and values of variables (HADEPLOY_VAR_...). The first call, which has to
/// come before any thread or child is started, removes them from the environment, so that no child
/// inherits them and /proc/PID/environ does not show them.
const std::map<std::string, std::string>& own_environment();

/// The value of one of these variables; "" if it is not set.
std::string given_to_us(const std::string& name);

} // namespace hadeploy::cli
