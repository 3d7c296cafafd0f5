#include "visualizer/watcher.h"

#include "common/http.h"
#include "common/json.h"
#include "common/log.h"
#include "common/text.h"

namespace hadeploy::svc {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kAttention = std::chrono::seconds(30); ///< how long a viewer counts after a request
constexpr auto kRarely = std::chrono::seconds(6);
constexpr auto kWebPatience = std::chrono::seconds(1);
constexpr std::size_t kIdLength = 12; ///< of a container in the state
constexpr std::size_t kMostCounts = 64 * 1024;
constexpr std::size_t kMostAnswer = 32 * 1024 * 1024;

Json fetch(const Endpoint& reader, const std::string& target) {
    const Deadline deadline = Clock::now() + kPatience;
    const HttpResponse answer =
        http_get(connect_tcp(reader, deadline), reader.host, target, kMostAnswer, deadline);
    const Json body = parse_json(answer.body);
    if (answer.status == 200 && body.is_array()) return body;
    const bool has_reason = body.is_object() && body.contains("message");
    throw NetworkError(has_reason ? body.value("message", target) : "no list from " + target);
}

} // namespace

Watcher::Watcher(Endpoint reader, std::optional<Endpoint> web, std::chrono::milliseconds interval)
    : reader_(std::move(reader)), web_(std::move(web)), interval_(interval),
      drawn_(picture_.to_json()), docker_worker_([this] { repeat(&Watcher::poll_docker); }) {
    if (web_) web_worker_ = std::thread([this] { repeat(&Watcher::poll_web); });
}

Watcher::~Watcher() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    docker_worker_.join();
    if (web_worker_.joinable()) web_worker_.join();
}

void Watcher::repeat(void (Watcher::*poll)()) {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        (this->*poll)();
        lock.lock();
        const auto next = Clock::now() + interval_;
        const auto is_due = [&] {
            return Clock::now() >= next &&
                   (Clock::now() - looked_ < kAttention || Clock::now() >= next + kRarely);
        };
        while (!stopping_ && !is_due())
            changed_.wait_for(lock, std::min<Clock::duration>(interval_, std::chrono::seconds(1)));
    }
}

DockerLists Watcher::ask_docker() const {
    return {fetch(reader_, "/nodes"), fetch(reader_, "/services"), fetch(reader_, "/tasks")};
}

/// Resolves the name each time: a container that stops loses its address, and must not be kept
/// from stopping by new connections.
std::vector<Counts> Watcher::ask_web() const {
    std::vector<std::string> addresses;
    try {
        addresses = addresses_of(*web_);
    } catch (const NetworkError&) { // no container runs
    }
    std::vector<Counts> counts;
    for (const std::string& address : addresses) {
        try {
            const Deadline deadline = Clock::now() + kWebPatience;
            const Json body = parse_json(http_get(connect_tcp({address, web_->port}, deadline),
                                                  address, "/api/requests", kMostCounts, deadline)
                                             .body);
            const std::string container = body.at("served_by").at("container");
            counts.push_back(
                {container.substr(0, kIdLength), body.at("requests"), body.at("errors")});
        } catch (const std::exception&) { // NetworkError, or not the expected JSON
        }
    }
    return counts;
}

void Watcher::poll_web() {
    const std::vector<Counts> counts = ask_web();
    const std::lock_guard lock(mutex_);
    traffic_.update(counts, Clock::now());
    Json drawn = traffic_.to_json();
    if (drawn == drawn_traffic_) return;
    drawn_traffic_ = std::move(drawn);
    ++version_;
    changed_.notify_all();
}

void Watcher::poll_docker() {
    std::string problem;
    DockerLists lists;
    try {
        lists = ask_docker();
    } catch (const std::exception& error) {
        problem = error.what();
    }
    const std::string at = now_iso();
    const std::lock_guard lock(mutex_);
    const bool is_first = !asked_;
    asked_ = true;
    if (problem.empty()) {
        answered_ = Clock::now();
        answered_at_ = at;
        picture_.update(lists, at, answered_);
        if (!problem_.empty() && !is_first) picture_.note(at, "good", "Docker is available again");
    } else if (problem_.empty() || is_first) {
        picture_.note(at, "bad", "Docker is unavailable: " + problem);
        log_error("docker-unreachable", {{"reason", problem}});
    }
    Json drawn = picture_.to_json();
    const bool is_new = drawn != drawn_ || problem != problem_;
    drawn_ = std::move(drawn);
    problem_ = std::move(problem);
    if (is_new) ++version_;
    changed_.notify_all();
}

Watcher::Snapshot Watcher::snapshot() {
    Snapshot shot;
    shot.version = version_;
    shot.is_stale = !problem_.empty() || Clock::now() - answered_ > kPatience;
    shot.state = drawn_;
    shot.state["traffic"] = drawn_traffic_;
    shot.state["at"] = answered_at_;
    shot.state["stale"] = shot.is_stale;
    shot.state["problem"] = problem_.empty() ? Json() : Json(problem_);
    return shot;
}

Watcher::Snapshot Watcher::look() {
    const std::lock_guard lock(mutex_);
    looked_ = Clock::now();
    return snapshot();
}

Watcher::Snapshot Watcher::look_beyond(std::uint64_t version, std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    looked_ = Clock::now();
    changed_.notify_all();
    changed_.wait_for(lock, most, [&] { return stopping_ || version_ != version; });
    return snapshot();
}

} // namespace hadeploy::svc
