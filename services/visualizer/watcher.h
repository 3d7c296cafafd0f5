#pragma once

#include "common/socket.h"
#include "visualizer/state.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace hadeploy::svc {

/// Polls the docker-reader on its own thread and keeps the latest state.
class Watcher {
  public:
    /// Polls every `interval` while there are viewers, and rarely otherwise.
    Watcher(Endpoint reader, std::chrono::milliseconds interval);
    ~Watcher();

    struct Snapshot {
        std::uint64_t version = 0; ///< increases with each change
        bool is_stale = true;
        Json state; ///< displayed state; with "at" (of the last response), "stale" and "problem"
    };

    /// The latest state; counts as a viewer.
    Snapshot look();
    /// The latest state, after waiting up to `most` for a newer version.
    Snapshot look_beyond(std::uint64_t version, std::chrono::milliseconds most);

  private:
    void work();
    DockerLists ask_docker() const;
    void poll();
    Snapshot snapshot();

    Endpoint reader_;
    std::chrono::milliseconds interval_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    SwarmPicture picture_;
    Json drawn_;
    std::string problem_ = "Docker was not queried yet";
    std::string answered_at_; ///< UTC; empty before the first response
    Clock::time_point answered_{};
    Clock::time_point looked_{};
    std::uint64_t version_ = 0;
    std::thread worker_;
};

} // namespace hadeploy::svc
