#pragma once

#include <functional>

namespace hadeploy::svc {

/// Blocks until a signal stops the service (SIGTERM, SIGINT).
void wait_for_stop();

/// The main of a service: `PROGRAM` runs it until it is stopped; `PROGRAM --healthcheck` checks the
/// service in this container and exits with 0 or 1 (the images contain no shell). An error is
/// logged, and the program exits with 1; the swarm then restarts the container.
int service_main(int argc, char** argv, const std::function<void()>& run,
                 const std::function<bool()>& is_healthy);

/// For a failure after which memory may differ from the disk: logs the reason and exits
/// immediately, so that the next start recovers from the disk.
[[noreturn]] void leave_at_once(const char* event, const char* reason);

} // namespace hadeploy::svc
