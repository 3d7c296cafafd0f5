#pragma once

#include "engine/apply.h"
#include "planner/plan/prior_state.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace hadeploy {

///   waiting --all before it done--> ready --+--> (settled directly: adopt, forget, unchanged)
///                                           +--> to_read --read--> ready
///                                           +--> to_change --job--> running --> done | failed
///   running --the backend completes it--> polled --> done | failed
///   to_read, running --transient failure--> pausing --> to_read | to_change
///   failed --> all steps that wait for it: skipped
enum class StepState {
    waiting,
    ready,
    to_read,
    to_change,
    running,
    polled,
    pausing,
    done,
    failed,
    skipped
};

using Clock = std::chrono::steady_clock;

/// The progress of a step.
struct StepWork {
    StepState state = StepState::waiting;
    std::size_t waiting_for = 0;
    std::vector<StepId> dependents;
    std::size_t height = 0; ///< length of the longest chain of steps that wait for this one
    Value config;           ///< evaluated when the step became ready
    std::optional<Observation> observed; ///< result of the read of a read_first step
    bool read_fresh = false; ///< the object was read after all steps that this step waits for
    std::optional<Endpoint> endpoint;
    std::vector<std::string> changed;
    Change::Kind kind = Change::Kind::create;
    bool is_kept = false;               ///< an unnecessary replacement: the object is kept
    std::optional<bool> removal_needed; ///< of the first half of a replacement, when known
    std::int64_t intent = 0;
    int attempts = 0;
    Clock::time_point failed_first = {}; ///< time of the first failure
    std::int64_t next_generation = 0; ///< the next generation, if the object turned out to be gone
    bool resumed = false;             ///< started by an earlier run
    bool dependents_released = false; ///< dependents that exist only in the state were released
};

/// The counts that limit the number of concurrent operations on endpoints; see Slot.
struct Slots {
    const std::size_t count;
    std::size_t asked = 0, given_back = 0; ///< totals; slots are given out in the order of requests
    std::condition_variable freed;
};

/// A run in progress: its plan, and the progress of each step. The classes of the executor share
/// it. The mutex guards all members that change.
struct ActiveRun {
    ActiveRun(const Plan& plan, const Graph* graph, const PriorState& prior, Store& store,
              Endpoints& endpoints, const ProviderSettings& settings, Events& events,
              std::int64_t run, const ApplyOptions& options);

    [[nodiscard]] bool stopping() const { return options.stop != nullptr && *options.stop; }
    /// The values of the nodes at the time of each call: planned ones, or actual ones if known.
    [[nodiscard]] Graph::Values current_values() const {
        return [this](NodeId n) { return values[n]; };
    }
    [[nodiscard]] bool is_finished(StepId id) const;
    /// Whether the change of a step has begun and not ended.
    [[nodiscard]] bool is_under_way(StepId id) const {
        return work[id].state == StepState::running || work[id].state == StepState::polled;
    }
    [[nodiscard]] bool state_only(StepId id) const;
    [[nodiscard]] bool makes_first(StepId id) const {
        return plan.steps[id].create_first && !work[id].is_kept;
    }
    /// The generation of the object that exists after the step, and its identity.
    [[nodiscard]] std::int64_t generation_of(StepId id) const;
    [[nodiscard]] std::string identity_now(StepId id) const;
    /// The address of a change in the journal. If a replacement creates the new object first, the
    /// creation is journalled under the address of the generation.
    [[nodiscard]] std::string journal_address(StepId id) const;
    [[nodiscard]] std::vector<std::string> dependencies_of(const Step& step) const;
    /// Records that a phase of a step begins.
    void enter(StepId id, Phase phase);

    const Plan& plan;
    const Graph* graph;
    const PriorState& prior;
    Store& store;
    Endpoints& endpoints;
    const ProviderSettings& settings;
    Events& events;
    std::int64_t id; ///< ID of the run
    ApplyOptions options;

    std::mutex mutex;
    std::condition_variable changed;
    Slots slots;
    std::vector<StepWork> work;
    std::vector<Value> values;                       ///< by node: planned, then actual
    std::unordered_map<std::string, StepId> step_of; ///< by address; second halves of replacements
    std::unordered_map<std::string, StepId> half_of; ///< by address; first halves of replacements
    std::deque<StepId> ready;
    std::size_t open; ///< number of steps that are not settled yet
    ApplyResult result;
};

} // namespace hadeploy
