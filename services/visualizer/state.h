#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <string>

namespace hadeploy::svc {

using Json = nlohmann::json;

/// Docker's lists, from the docker-reader.
struct DockerLists {
    Json nodes;
    Json services;
    Json tasks;
};

/// Converts Docker's lists, poll by poll, into the displayed state: nodes, services, tasks, the
/// quorum, and events for the changes between polls. It uses neither a clock nor a socket.
class SwarmPicture {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// How long an ended task is still displayed, counted from when it was first seen ended.
    static constexpr std::chrono::seconds kAfterglow{60};

    /// `at` is the time of new events; `now` is used for the afterglow.
    void update(const DockerLists& lists, const std::string& at, Time now);

    /// Adds an event of the visualizer itself, for example that the swarm has no leader.
    void note(const std::string& at, const std::string& level, const std::string& text);

    /// {"cluster", "nodes", "services", "tasks", "events"}; empty lists before the first update.
    Json to_json() const;

  private:
    struct Seen {
        Time ended{};
        bool was_there_ended = false; ///< had ended before the first poll
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

/// The displayed phase of a task: "starting", "running", "stopping", "failed", "lost" (its node is
/// down) or "gone".
std::string phase_of(const std::string& state, const std::string& desired, bool node_is_down);

} // namespace hadeploy::svc
