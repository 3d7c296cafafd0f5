#pragma once

#include "common/socket.h"

#include <cstddef>
#include <functional>
#include <string>

namespace hadeploy::svc {

/// The replicas of this path on a Gluster volume that can be reached; 0 on another file system.
std::size_t reachable_replicas(const std::string& path);

/// Says when a process has to open its locked files on a Gluster volume again. A replica that was
/// away gets no writes to a file that was locked before, until the file is opened again: with
/// `client.strict-locks`, the volume does not do this itself. A process cannot see on which
/// replicas its files are open. On a replaced disk, it may open them only once they are healed,
/// because they get their owner then. So the files are opened again when a replica comes back, then
/// after increasing pauses, and finally every ten minutes.
class ReplicaWatch {
  public:
    /// Begins when the files have been opened. `replicas` is called once a second.
    ReplicaWatch(std::function<std::size_t()> replicas, Deadline now);

    /// Whether the files have to be opened again at the time `now`.
    bool is_due(Deadline now);

    /// How long a loss can stay unnoticed. Gluster connects to a lost replica again after three
    /// seconds at the earliest, so every loss is seen.
    static constexpr auto kInterval = std::chrono::seconds(1);

  private:
    void plan(std::size_t attempt, Deadline now);

    std::function<std::size_t()> replicas_;
    std::size_t last_;        ///< reachable replicas at the last check
    std::size_t attempt_ = 0; ///< since a replica came back
    Deadline check_;
    Deadline reopen_;
};

} // namespace hadeploy::svc
