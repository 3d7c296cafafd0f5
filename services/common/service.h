#pragma once

#include <functional>

namespace hadeploy::svc {

/// Blocks until the service is asked to stop (SIGTERM, SIGINT).
void wait_for_stop();

/// What a service's main does: `PROGRAM` runs the service until it is asked to stop, `PROGRAM
/// --healthcheck` asks the one that runs in this container and exits 0 or 1 (images hold no
/// shell). Errors are logged, exit code 1; the swarm starts the container again.
int service_main(int argc, char** argv, const std::function<void()>& run,
                 const std::function<bool()>& is_healthy);

/// For a failure after which memory may differ from the disk: says why and leaves at once, so
/// that the next start recovers from what is on the disk.
[[noreturn]] void leave_at_once(const char* event, const char* reason);

} // namespace hadeploy::svc
