#include "cli/version.h"

namespace hadeploy::cli {

const std::string_view kVersion = HADEPLOY_VERSION;

} // namespace hadeploy::cli
