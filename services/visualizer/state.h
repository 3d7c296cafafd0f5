#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <string>

namespace hadeploy::svc {

using Json = nlohmann::json;

/// Docker's lists, as the docker-reader gives them.
struct DockerLists {
    Json nodes;
    Json services;
    Json tasks;
};

/// Turns Docker's lists, poll after poll, into what the page draws: nodes, services, tasks, the
/// quorum, and a line of what changed from one poll to the next. Knows no clock and no socket.
class SwarmPicture {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// Ended tasks stay in the picture, greyed, for this long after they were first seen ended.
    static constexpr std::chrono::seconds kAfterglow{60};

    /// `at` is the time that new events carry; `now` measures the afterglow.
    void update(const DockerLists& lists, const std::string& at, Time now);

    /// An event of the visualizer's own, for example that the swarm has no leader.
    void note(const std::string& at, const std::string& level, const std::string& text);

    /// {"cluster", "nodes", "services", "tasks", "events"}; empty lists before the first update.
    Json to_json() const;

  private:
    struct Seen {
        Time ended{};
        bool was_there_ended = false; ///< had ended before this program first looked
    };

    void compare_nodes(const Json& nodes, const std::string& at);
    void compare_services(const Json& services, const std::string& at);
    void compare_tasks(const Json& tasks, const std::string& at);
    Json without_old(const Json& tasks, Time now);

    bool first_ = true;
    Json cluster_ = Json::object();
    Json nodes_ = Json::array();
    Json services_ = Json::array();
    Json tasks_ = Json::array();
    std::map<std::string, Seen> ended_;
    std::deque<Json> events_;
};

/// What a task looks like: "starting", "running", "stopping", "failed", "lost" (its node is down)
/// or "gone".
std::string phase_of(const std::string& state, const std::string& desired, bool node_is_down);

} // namespace hadeploy::svc
