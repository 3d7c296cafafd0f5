#include "common/env.h"
#include "common/json.h"
#include "common/log.h"
#include "common/service.h"
#include "common/text.h"
#include "docker-reader/filter.h"

namespace {

using namespace hadeploy::svc;

constexpr std::uint16_t kPort = 2375;
constexpr Limits kLimits{.most = 64, .each = 16};
constexpr std::size_t kMostAnswer = 32 * 1024 * 1024;

HttpResponse message(int status, const std::string& text) {
    return HttpResponse::json(status, Json{{"message", text}}.dump() + "\n");
}

/// Docker's reason, for example that the swarm has no leader.
std::string reason_of(const HttpResponse& response) {
    const auto body = parse_json(response.body);
    if (body.is_object() && body.contains("message") && body["message"].is_string())
        return body["message"];
    return "Docker responded with " + std::to_string(response.status);
}

HttpResponse forward(const HttpRequest& request, const std::string& socket,
                     std::chrono::milliseconds patience) {
    const auto view = allowed_view(request);
    if (!view) {
        log_info("refused",
                 {{"method", request.method}, {"target", request.target.substr(0, 200)}});
        return message(403, "only GET of /nodes, /services, /tasks, /info and /_ping is allowed");
    }
    try {
        const Deadline deadline = Clock::now() + patience;
        const HttpResponse answer = http_get(connect_unix(socket, deadline), "docker",
                                             docker_target(*view), kMostAnswer, deadline);
        if (answer.status != 200) return message(503, reason_of(answer));
        return HttpResponse::json(200, reduce(*view, answer.body));
    } catch (const std::runtime_error& error) {
        return message(503, error.what());
    }
}

void run() {
    const std::string socket = env_text("DOCKER_SOCKET", "/var/run/docker.sock");
    const auto patience = env_millis("REQUEST_TIMEOUT_MS", 8000);
    ConnectionServer server(env_port("PORT", kPort), kLimits,
                            http_handler([&](const HttpRequest& request) {
                                return forward(request, socket, patience);
                            }));
    log_info("listening", {{"port", std::to_string(server.port())}, {"socket", socket}});
    wait_for_stop();
    server.finish({}, std::chrono::seconds(3));
}

bool is_healthy() {
    return http_answers(env_port("PORT", kPort), "/_ping");
}

} // namespace

int main(int argc, char** argv) {
    return service_main(argc, argv, run, is_healthy);
}
