#pragma once

#include "engine/active_run.h"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hadeploy {

/// Chooses the next job: the steps to read or change are in a queue per endpoint. Functions are
/// called with the mutex held, unless their comment says otherwise.
class StepQueues {
  public:
    explicit StepQueues(ActiveRun& run) : run_(run) {}

    /// The order of changes in a queue: first the changes that an earlier run started, then by the
    /// length of the longest chain of steps that waits for them, then by arrival.
    struct Turn {
        bool resumed;
        std::size_t height;
        std::size_t arrival;
        StepId step;
        friend bool operator<(const Turn& a, const Turn& b) {
            if (a.resumed != b.resumed) return a.resumed;
            return a.height != b.height ? a.height > b.height : a.arrival < b.arrival;
        }
    };

    /// The queue of an endpoint. A host runs one job at a time, with all compatible changes.
    struct Queue {
        Endpoint endpoint; ///< of the last step: a replaced machine has a new host key
        const Provider* provider = nullptr;
        bool busy = false;
        std::deque<StepId> reads;
        std::set<Turn> changes;
        std::set<StepId> polled; ///< changes that the backend completes by itself
        bool polling = false;
        Clock::time_point next_poll = {};

        [[nodiscard]] bool one_job() const {
            return provider->batches_changes || provider->state_only;
        }
    };

    struct Job {
        enum class Kind { change, read, poll };
        Queue* queue = nullptr;
        Endpoint endpoint;
        Kind kind = Kind::change;
        std::vector<StepId> steps;
    };

    /// The first endpoint through which a step's object can be reached now. See also
    /// ResourceType::reached_through_created.
    std::optional<Endpoint> choose_endpoint(StepId id, const Value& config) const;
    /// Adds a step to the queue of its endpoint.
    void enqueue(StepId id, bool read);
    /// Adds a step to the queue of its endpoint after a pause.
    void enqueue_later(StepId id, bool read, Clock::time_point when);
    /// Adds the steps whose pause is over.
    void enqueue_due();
    /// Moves a running change that the backend completes by itself to the polled changes.
    void wait_for_end(Queue& queue, StepId id);
    /// Whether changes have to be polled.
    [[nodiscard]] bool is_polling() const;
    /// Whether steps pause before they are retried.
    [[nodiscard]] bool is_pausing() const { return !later_.empty(); }
    /// The time when the next pause or interval between polls ends, but no later than `latest`.
    [[nodiscard]] Clock::time_point next_due(Clock::time_point latest) const;
    /// Returns the steps of a job to their queue. Locks the mutex.
    void put_back(const Job& job);
    [[nodiscard]] bool more_work() const;
    std::optional<Job> take_job();
    /// Takes a poll that is due.
    std::optional<Job> take_poll();
    /// Takes the changes that can be made in one job.
    void take_changes(Queue& queue, std::vector<StepId>& steps);

  private:
    [[nodiscard]] bool is_ready(const Queue& queue) const;
    [[nodiscard]] std::vector<std::string> exclusive_names(StepId id) const;
    [[nodiscard]] bool is_excluded(StepId id) const;
    void add_fellow_reads(Job& job);
    bool has_own_batch(StepId id) const;
    bool machine_down(const std::string& address) const;
    bool is_made_by_run(const std::string& machine) const;

    ActiveRun& run_;
    std::map<std::string, Queue> by_key_; ///< by the key of the endpoint
    /// By exclusive name: the step with this name that was started last. Other steps with the name
    /// wait while it runs.
    std::map<std::string, StepId, std::less<>> holders_;
    struct Later {
        StepId step;
        bool read;
    };
    std::multimap<Clock::time_point, Later> later_; ///< steps that pause, by the end of their pause
    std::size_t arrivals_ = 0;
};

} // namespace hadeploy
