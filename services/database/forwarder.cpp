#include "database/forwarder.h"

#include "common/log.h"

namespace hadeploy::svc {
namespace {

constexpr auto kAttempt = std::chrono::seconds(5);
constexpr auto kPause = std::chrono::milliseconds(500);
constexpr int kBatch = 200;

} // namespace

Forwarder::Forwarder(Engine& engine, const Endpoint& logger)
    : engine_(engine), client_(logger), worker_([this] { work(); }) {}

Forwarder::~Forwarder() {
    stop();
    worker_.join();
}

void Forwarder::work() {
    bool lost = false;
    while (!stopping_) {
        if (!engine_.wait_beyond(-1, kPause)) continue;
        try {
            forward_all();
            lost = false;
        } catch (const std::exception& error) {
            if (!lost && !stopping_) log_error("log-delayed", {{"reason", error.what()}});
            lost = true;
            std::this_thread::sleep_for(kPause);
        }
    }
}

void Forwarder::forward_all() {
    const auto deadline = [] { return Clock::now() + kAttempt; };
    std::int64_t logged = client_.call_once({{"op", "last"}}, deadline()).at("seq");
    bool told = false;
    while (!stopping_) {
        const Json found = engine_.run({{"op", "writes"}, {"after", logged}, {"limit", kBatch}});
        if (!found.at("ok").get<bool>()) throw RpcError(found.at("code"), found.at("message"));
        const Json& lines = found.at("writes");
        const std::int64_t last = found.at("last");
        if (logged > last && !told) {
            told = true;
            log_error("log-ahead", {{"log", std::to_string(logged)},
                                    {"database", std::to_string(last)},
                                    {"reason", "the log belongs to a different or a newer "
                                               "database; logging continues after the last "
                                               "number in the log"}});
        }
        if (lines.empty()) {
            engine_.wait_beyond(logged, kPause);
            continue;
        }
        logged = client_.call_once({{"op", "append"}, {"lines", lines}}, deadline()).at("seq");
    }
}

} // namespace hadeploy::svc
