#include "common/log.h"
#include "common/service.h"
#include "web/app.h"

namespace {

using namespace hadeploy::svc;

constexpr std::uint16_t kPort = 5000;
constexpr Limits kLimits{.most = 1024, .each = 256};

void run() {
    const Place place = Place::from_env();
    WebApp app(place, env_endpoint("DATABASE", "database:7000"),
               env_millis("REQUEST_TIMEOUT_MS", 5000), env_millis("START_MS", 60'000));
    const Linger linger{env_millis("LINGER_MS", 5000), env_millis("LINGER_MAX_MS", 20'000)};
    ConnectionServer server(
        env_port("PORT", kPort), kLimits,
        http_handler([&](const HttpRequest& request) { return app.handle(request); }));
    log_info("listening", {{"port", std::to_string(server.port())}, {"node", place.node}});
    wait_for_stop();
    server.finish(linger, std::chrono::seconds(6));
}

bool is_healthy() {
    return http_answers(env_port("PORT", kPort), "/startz");
}

} // namespace

int main(int argc, char** argv) {
    return service_main(argc, argv, run, is_healthy);
}
