#pragma once

#include "common/replica_watch.h"
#include "database/store.h"
#include "database/writer_lock.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

namespace hadeploy::svc {

/// The only thread that uses the Store. Writes that wait at the same time share one transaction,
/// and are answered after its commit. Of several databases on one volume, one is active; the others
/// stand by until it releases the lock.
class Engine {
  public:
    /// Starts immediately. The thread opens the file once no other process holds its lock, however
    /// long that takes.
    Engine(std::string directory, std::string node);
    ~Engine();

    /// Answers the waiting requests, then closes the file, so that a successor gets the lock
    /// immediately.
    void stop();

    /// Executes one request. Throws RpcError: "starting", "standby" (the lock is not free),
    /// "busy", "unavailable", or an error of the request itself. A database that stands by answers
    /// only "ping".
    Json run(const Json& request);

    /// Waits until a write after `seq` is committed (-1: until the database is open), the time
    /// limit has passed or the engine stops. Returns whether there is such a write.
    bool wait_beyond(std::int64_t seq, std::chrono::milliseconds most);

  private:
    struct Job {
        Json request;
        std::promise<Json> answer;
    };

    enum class Role { starting, standby, active };
    /// Members are destroyed in reverse order: the file is closed before the lock is released.
    struct OpenFile {
        std::unique_ptr<WriterLock> lock;
        std::unique_ptr<Store> store;
    };

    void work();
    bool serve(OpenFile& file, std::vector<Job>& interrupted);
    /// The file, once its lock is free; nullopt if stopped. Refuses the interrupted requests if
    /// another database is active.
    std::optional<OpenFile> open_patiently(std::vector<Job>& interrupted);
    std::optional<OpenFile> try_open(std::string& problem);
    void stand_by(std::vector<Job>& interrupted);
    std::optional<std::vector<Job>> next_batch();
    void run_batch(OpenFile& file, std::vector<Job>& batch);
    static void refuse(std::vector<Job>& batch, const StoreError& error);
    void publish(std::int64_t seq);

    std::string directory_;
    std::string node_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    Role role_ = Role::starting;
    bool stopping_ = false;
    std::int64_t committed_ = -1;
    bool writes_turn_ = false;
    // used by the worker only
    std::unique_ptr<WriterLock> lock_;     ///< while waiting for it
    std::optional<ReplicaWatch> replicas_; ///< while active
    std::thread worker_;
};

} // namespace hadeploy::svc
