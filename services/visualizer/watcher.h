#pragma once

#include "common/socket.h"
#include "visualizer/state.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace hadeploy::svc {

/// Asks the docker-reader again and again on a thread of its own and keeps the latest picture.
class Watcher {
  public:
    /// Polls every `interval` while someone looks, and rarely otherwise.
    Watcher(Endpoint reader, std::chrono::milliseconds interval);
    ~Watcher();

    struct Snapshot {
        std::uint64_t version = 0; ///< grows when the picture changes
        bool is_stale = true;
        Json state; ///< what the page draws; with "at" (of the last answer), "stale" and "problem"
    };

    /// The latest picture; tells the watcher that someone looks.
    Snapshot look();
    /// The same, after waiting up to `most` for another version.
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
    std::string problem_ = "Docker was not asked yet";
    std::string answered_at_; ///< UTC; empty before the first answer
    Clock::time_point answered_{};
    Clock::time_point looked_{};
    std::uint64_t version_ = 0;
    std::thread worker_;
};

} // namespace hadeploy::svc
