#include "common/env.h"
#include "common/log.h"
#include "common/service.h"
#include "hello/app.h"

namespace {

using namespace hadeploy::svc;

constexpr std::uint16_t kPort = 8000;
constexpr Limits kLimits{.most = 1024, .each = 1024}; // all requests come from one proxy

void run() {
    const std::string version = env_text("VERSION", "");
    ConnectionServer server(
        env_port("PORT", kPort), kLimits,
        http_handler([&](const HttpRequest& request) { return hello(request, version); }));
    log_info("listening", {{"port", std::to_string(server.port())}, {"version", version}});
    wait_for_stop();
    server.finish({}, std::chrono::seconds(6));
}

bool is_healthy() {
    return http_answers(env_port("PORT", kPort), "/ping");
}

} // namespace

int main(int argc, char** argv) {
    return service_main(argc, argv, run, is_healthy);
}
