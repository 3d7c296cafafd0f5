#pragma once

#include "database/store.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

namespace hadeploy::svc {

/// The only thread that uses the Store. Writes that wait at the same time share one transaction,
/// and are answered after its commit.
class Engine {
  public:
    /// Starts at once; the thread opens the file, however long another process holds its lock.
    Engine(std::string directory, std::string node);
    ~Engine();

    /// Answers the waiting requests, then closes the file, so that a successor gets the lock at
    /// once.
    void stop();

    /// Executes one request. Throws RpcError: "starting", "busy", "unavailable", or an error of the
    /// request itself.
    Json run(const Json& request);

    /// Waits until a write after `seq` is committed (-1: until the database is open), the time is
    /// over or the engine stops. Returns whether there is such a write.
    bool wait_beyond(std::int64_t seq, std::chrono::milliseconds most);

  private:
    struct Job {
        Json request;
        std::promise<Json> answer;
    };

    void work();
    bool serve(Store& store, std::vector<Job>& interrupted);
    std::unique_ptr<Store> open_patiently();
    std::vector<Job> next_batch();
    void run_batch(Store& store, std::vector<Job>& batch);
    static void refuse(std::vector<Job>& batch, const StoreError& error);
    void publish(std::int64_t seq);

    std::string directory_;
    std::string node_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    bool ready_ = false;
    bool stopping_ = false;
    std::int64_t committed_ = -1;
    bool writes_turn_ = false;
    std::thread worker_;
};

} // namespace hadeploy::svc
