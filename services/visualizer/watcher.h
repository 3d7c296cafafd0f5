#pragma once

#include "common/socket.h"
#include "visualizer/state.h"
#include "visualizer/traffic.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace hadeploy::svc {

/// Polls the docker-reader and the web service, each on its own thread, and keeps the latest state.
class Watcher {
  public:
    /// Polls every `interval` while there are viewers, and rarely otherwise. The name of `web` has
    /// the addresses of all its containers; without it, there are no figures of requests.
    Watcher(Endpoint reader, std::optional<Endpoint> web, std::chrono::milliseconds interval);
    ~Watcher();

    struct Snapshot {
        std::uint64_t version = 0; ///< increases with each change
        bool is_stale = true;
        /// The displayed state, with "at" (of the last response), "stale", "problem" and "traffic".
        Json state;
    };

    /// The latest state; counts as a viewer.
    Snapshot look();
    /// The latest state, after waiting up to `most` for a newer version.
    Snapshot look_beyond(std::uint64_t version, std::chrono::milliseconds most);

  private:
    void repeat(void (Watcher::*poll)());
    DockerLists ask_docker() const;
    std::vector<Counts> ask_web() const;
    void poll_docker();
    void poll_web();
    Snapshot snapshot();

    Endpoint reader_;
    std::optional<Endpoint> web_;
    std::chrono::milliseconds interval_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    SwarmPicture picture_;
    Json drawn_;
    Traffic traffic_;
    Json drawn_traffic_;
    std::string problem_ = "Docker was not queried yet";
    bool asked_ = false;      ///< Docker, at least once
    std::string answered_at_; ///< UTC; empty before the first response
    Clock::time_point answered_{};
    Clock::time_point looked_{};
    std::uint64_t version_ = 0;
    std::thread docker_worker_;
    std::thread web_worker_; ///< so that a container that does not answer delays only its figures
};

} // namespace hadeploy::svc
