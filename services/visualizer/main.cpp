#include "common/log.h"
#include "common/service.h"
#include "visualizer/app.h"

namespace {

using namespace hadeploy::svc;

constexpr std::uint16_t kPort = 8080;
constexpr Limits kLimits{.most = 256, .each = 64};

void run() {
    const Place place = Place::from_env();
    std::optional<Endpoint> web;
    if (!env_text("WEB", "").empty()) web = env_endpoint("WEB", "");
    Watcher watcher(env_endpoint("DOCKER_READER", "docker-reader:2375"), std::move(web),
                    env_millis("POLL_MS", 1500));
    VisualizerApp app(place, watcher);
    ConnectionServer server(
        env_port("PORT", kPort), kLimits,
        http_handler([&](const HttpRequest& request) { return app.handle(request); }));
    log_info("listening", {{"port", std::to_string(server.port())}, {"node", place.node}});
    wait_for_stop();
    server.finish({std::chrono::milliseconds(300), std::chrono::milliseconds(300)},
                  std::chrono::seconds(3));
}

bool is_healthy() {
    return http_answers(env_port("PORT", kPort), "/healthz");
}

} // namespace

int main(int argc, char** argv) {
    return service_main(argc, argv, run, is_healthy);
}
