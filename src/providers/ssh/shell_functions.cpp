#include "providers/ssh/shell_functions.h"
#include "embedded/scripts.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

std::string apt_functions(long long lock_timeout, long long timeout) {
    return fmt::format("{}apt_patience={} apt_limit={}\n{}", scripts::seconds, lock_timeout / 1000,
                       timeout / 1000, scripts::apt);
}

} // namespace hadeploy::ssh
