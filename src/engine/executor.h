#pragma once

#include "engine/apply.h"
#include "planner/plan/prior_state.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

namespace hadeploy {

/// Runs a plan. One mutex guards everything; jobs (a read, a batch of changes) run without it.
///
///   waiting --all before it done--> ready --+--> (settled at once: adopt, forget, unchanged)
///                                           +--> to_read --read--> ready
///                                           +--> to_change --job--> running --> done | failed
///   failed --> all steps that wait for it: skipped
///
/// Slots limit the number of concurrent operations on endpoints. There are twice as many threads,
/// so that intents and results are written while all slots are in use: a slow disk delays only
/// steps that wait for such a result.
class Executor {
  public:
    Executor(const Plan& plan, const Graph* graph, const PriorState& prior, Store& store,
             Endpoints& endpoints, const ProviderSettings& settings, Events& events,
             std::int64_t run, const ApplyOptions& options);
    ApplyResult run();
    /// The spec's outputs with the values after the run.
    Value outputs(Diagnostics& diagnostics) const;
    /// The spec's `checks:` that do not hold with the values after the run.
    std::vector<Error> broken_checks() const;
    /// Checks the rules of resources without a step, module inputs and outputs after the run.
    void check_unchanged(Diagnostics& diagnostics) const;
    void check_inputs(std::vector<Error>& errors) const;

  private:
    friend class BatchSink;
    class Slot;

    enum class State { waiting, ready, to_read, to_change, running, done, failed, skipped };

    struct Work {
        State state = State::waiting;
        std::size_t waiting_for = 0;
        std::vector<StepId> dependents;
        std::size_t height = 0; ///< length of the longest chain of steps that wait for it
        Value config;           ///< evaluated when the step became ready
        std::optional<Observation> observed; ///< for read_first steps, after the read
        bool read_fresh = false;             ///< read after all steps that it waits for
        std::optional<Endpoint> endpoint;
        std::vector<std::string> changed;
        Change::Kind kind = Change::Kind::create;
        bool is_kept = false;               ///< an unnecessary replacement: the object is kept
        std::optional<bool> removal_needed; ///< for the first half of a replacement, when known
        std::int64_t intent = 0;
        int attempts = 0;
        bool resumed = false;             ///< started by an earlier run
        bool dependents_released = false; ///< dependents that exist only in the state were released
    };

    /// The order of changes in a queue: first those started by an earlier run, then by the length
    /// of the longest chain that waits for them, then by arrival.
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
        Endpoint endpoint;
        const Provider* provider = nullptr;
        bool busy = false;
        std::deque<StepId> reads;
        std::set<Turn> changes;

        [[nodiscard]] bool one_job() const {
            return provider->batches_changes || provider->state_only;
        }
        [[nodiscard]] bool ready() const {
            return !(busy && one_job()) && !(reads.empty() && changes.empty());
        }
    };

    /// A step without a change of a real object, and the row to record; without a row, the record
    /// is removed.
    struct Settled {
        StepId step;
        StepResult result;
        std::optional<RecordedResource> row;
    };

    /// A change that exists only in the state and is not written yet; without a row, the record is
    /// removed.
    struct Made {
        StepId step;
        std::optional<RecordedResource> row;
    };

    struct Job {
        Queue* queue = nullptr;
        bool read = false;
        std::vector<StepId> steps;
    };

    // deciding (with the lock held)
    void settle_ready();
    void write_settled();
    void consider(StepId id);
    bool prepare(StepId id);
    void decide_step(StepId id);
    void decide_removal(StepId id);
    void reject_lost_contents(StepId id) const;
    std::optional<bool> removal_needed(StepId half);
    std::vector<StepId> halves_of_dependencies(StepId half) const;
    bool wait_for_base(StepId half);
    bool is_finished(StepId id) const;
    bool waits_for(StepId id, StepId other) const;
    std::optional<bool> differs_now(StepId id);
    bool is_needed(StepId id);
    void reject_owned_name(StepId id);
    void reject_name_of_this_run(StepId id);
    void reject_protected(StepId id) const;
    [[nodiscard]] bool is_kept_generation(StepId id) const;
    [[nodiscard]] std::string journal_address(StepId id) const;
    [[nodiscard]] bool makes_first(StepId id) const {
        return plan_.steps[id].create_first && !work_[id].is_kept;
    }
    [[nodiscard]] std::int64_t generation_of(StepId id) const;
    [[nodiscard]] std::string identity_now(StepId id) const;
    void finish_data(StepId id, const Observation& observed);
    void enqueue(StepId id, bool read);
    std::optional<Endpoint> choose_endpoint(StepId id, const Value& config) const;
    void add_fellow_reads(Job& job);
    std::optional<Job> take_job();
    void take_changes(Queue& queue, std::vector<StepId>& steps);
    [[nodiscard]] bool state_only(StepId id) const;
    [[nodiscard]] bool stopping() const { return options_.stop != nullptr && *options_.stop; }
    [[nodiscard]] bool more_work() const;
    bool has_own_batch(StepId id) const;
    bool machine_down(const std::string& address) const;

    // results (with the lock held)
    void finish(StepId id, StepResult result);
    void fail(StepId id, Error error);
    void skip_dependents(StepId id);
    RecordedResource result_row(StepId id, Value attributes) const;
    void finish_with(StepId id, const std::optional<RecordedResource>& row);
    void write_generations(StepId id, const RecordedResource& row);
    [[nodiscard]] RecordedResource old_generation(StepId id) const;
    std::optional<Error> broken_postcondition(StepId id) const;
    RecordedResource row_of(StepId id, const Value& config, const Value& attributes) const;
    std::vector<std::string> dependencies_of(const Step& step) const;
    void hide_secrets_of(StepId id, Error& error) const;
    void retry_or_fail(StepId id, Error error);

    // jobs (without the lock)
    void work();
    void run_job(const Job& job);
    void run_read(const Job& job);
    void run_changes(const Job& job);
    void change(const Job& job, OpenEndpoint& endpoint, Slot& slot);
    void change_in_state(Job job, OpenEndpoint& endpoint);
    void release_dependents(const Made& made);
    void write_made(const std::vector<Made>& made);
    std::vector<Change> changes_of(const Job& job);
    bool journal(const Job& job, std::vector<Intent>& intents);
    void withdraw(const Job& job, std::vector<Intent> intents);
    void withdraw_rest();
    void put_back(const Job& job); ///< returns the steps to their queue
    void announce(const Job& job);
    Intent intent_of(StepId id, const Change& change) const;
    Change change_of(StepId id) const;
    static Value with_changed_names(const Work& work);

    const Plan& plan_;
    const Graph* graph_;
    const PriorState& prior_state_;
    Store& store_;
    Endpoints& endpoints_;
    const ProviderSettings& settings_;
    Events& events_;
    std::int64_t run_;
    ApplyOptions options_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::condition_variable slot_given_back_;
    const std::size_t slots_;
    std::size_t slots_asked_ = 0, slots_given_back_ = 0; ///< totals; first come, first served
    std::vector<Work> work_;
    std::vector<Value> values_; ///< by node: planned, then actual
    std::map<std::string, Queue> queues_;
    std::unordered_map<std::string, StepId> step_of_; ///< by address; second halves of replacements
    std::unordered_map<std::string, StepId> half_of_; ///< by address; first halves of replacements
    std::optional<std::map<std::string, StepId>> claimed_; ///< filled on first use
    std::deque<StepId> ready_;
    std::vector<Settled> settled_; ///< written together, then done
    std::size_t arrivals_ = 0;
    std::size_t open_ = 0;    ///< steps not settled yet
    std::size_t running_ = 0; ///< running jobs
    ApplyResult result_;
};

} // namespace hadeploy
