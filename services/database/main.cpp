#include "common/log.h"
#include "common/service.h"
#include "database/engine.h"
#include "database/forwarder.h"

namespace {

using namespace hadeploy::svc;

constexpr std::uint16_t kPort = 7000;
constexpr Limits kLimits{.most = 512, .each = 128};

void run() {
    const Place place = Place::from_env();
    Engine engine(env_text("DATA_DIR", "/data"), place.node);
    Forwarder forwarder(engine, env_endpoint("LOGGER", "logger:7001"));
    ConnectionServer server(env_port("PORT", kPort), kLimits,
                            rpc_handler([&](const Json& request) { return engine.run(request); }));
    log_info("listening", {{"port", std::to_string(server.port())}, {"node", place.node}});
    wait_for_stop();
    engine.stop(); // first: the standby waits for the lock, and the clients for the standby
    server.finish({}, std::chrono::seconds(5));
    forwarder.stop();
}

bool is_healthy() {
    return rpc_ping(env_port("PORT", kPort));
}

} // namespace

int main(int argc, char** argv) {
    return service_main(argc, argv, run, is_healthy);
}
