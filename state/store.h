#pragma once

#include "core/recorded_resource.h"
#include "core/results.h"
#include "core/value.h"
#include "state/cipher.h"
#include "state/location.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// A change of a real object that was started, or was about to start. It is written before the
/// change and removed when the result of the change is written, so an intent found at the start of
/// a run belongs to an interrupted change.
struct Intent {
    std::int64_t id = 0;
    std::int64_t run = 0;
    std::string address;
    std::string type;
    std::int64_t generation = 1;
    ChangeKind action = ChangeKind::create;
    std::string identity;
    Value config; ///< desired config; null for a remove
    std::vector<std::string> depends_on;
    std::int64_t started_ms = 0;
};

/// One run of apply or destroy, for the history.
struct Run {
    std::int64_t id = 0;
    std::string command;
    std::int64_t started_ms = 0; ///< Unix time
    std::int64_t ended_ms = 0;   ///< 0 while the run is active, or if it was killed
    RunResult result = RunResult::not_ended;
    /// The spec of the run, for a rollback. Null if its MAC does not prove that hadeploy wrote it.
    Value spec;
    std::string summary; ///< JSON: counts and durations
};

/// One executed step of a run, for durations, critical paths and charts.
struct StepRecord {
    std::string address;
    Action action = Action::create;
    std::int64_t started_ms = 0;
    std::int64_t ended_ms = 0;
    StepResult result = StepResult::not_begun;
    std::vector<std::string> after; ///< addresses of the steps that it waited for
};

/// Converts configs and attributes between memory and the state, for example absolute paths to
/// paths relative to the project directory. An empty function leaves values unchanged.
struct Form {
    using Change = std::function<Value(const std::string& type, const Value&)>;
    Change kept = {}; ///< from a value to its stored form
    Change used = {}; ///< from the stored form to the value
};

struct LockOwner {
    std::int64_t pid = 0;
    std::string host, user, boot_id, command;
    std::int64_t since_ms = 0;
    bool brief = false; ///< the lock is held only briefly: others wait regardless of their timeout
    /// PID namespace and start time, because another process can reuse the PID.
    std::string process = {};
};

/// The state of one project: resources, journal, history and lock. There is at most one writer;
/// readers need no lock. All SQL of hadeploy is behind this interface.
class Store {
  public:
    enum class Mode { read_only, read_write };

    /// Opens a state. read_write also creates and migrates it; read_only returns an empty store for
    /// a missing state. The state contains secrets only in encrypted form.
    /// @param project  expected project; "" accepts any, for reading
    /// @param key  by default a key file beside the state file; the key file is created together
    ///         with the state
    /// @param form  conversion of configs and attributes
    /// @throws Error(state) when the state is corrupt, newer than this program, of a different
    ///         project, not writable, on a network file system, or not opened by the key;
    ///         Error(unreachable) when its server does not respond
    static std::unique_ptr<Store> open(const StateLocation& location, Mode mode,
                                       const std::string& project, const KeySource& key = {},
                                       Form form = {});
    /// Whether there is a state. @throws Error as open()
    static bool exists(const StateLocation& location);
    virtual ~Store() = default;

    /// Acquires the writer's lock, waiting up to `timeout_ms`. It is held until the Store is closed
    /// or the process dies. For a file, the kernel releases the lock of a dead process. On a server
    /// the lock is a lease. Another process takes over the lease when the holder is dead or has not
    /// renewed it.
    /// @throws Error(locked) naming the owner
    virtual void lock(const std::string& command, std::int64_t timeout_ms) = 0;
    /// Must be called immediately before a real object is changed. Renews the lease if it has not
    /// been renewed for a while, for example because the machine slept.
    /// @throws Error when another process may have taken over
    virtual void check_lock() {}

    /// Whether the state existed when it was opened. read_write creates a missing state; read_only
    /// treats it as empty.
    virtual bool existed() const = 0;
    virtual std::string project() const = 0; ///< name of the project
    virtual std::string lineage() const = 0;
    /// Incremented by every transaction that changes resources; a saved plan contains its serial.
    virtual std::int64_t serial() const = 0;

    virtual std::vector<RecordedResource> rows() const = 0;
    /// Calls `use` for each row whose type is not one of these, in the order of addresses. Does not
    /// hold all of a large state in memory. `use` must not call this Store.
    virtual void each_row_but(const std::vector<std::string>& types,
                              const std::function<void(RecordedResource)>& use) const = 0;
    virtual std::optional<RecordedResource> row(const std::string& address) const = 0;
    virtual std::vector<Intent> intents() const = 0;

    /// Writes the intents of one batch durably and sets Intent::id. Also removes the intents that
    /// earlier runs left open at the addresses of this batch. But if this batch removes an object,
    /// an open intent to create the object stays; finish_removed() removes it.
    virtual void begin(std::vector<Intent>& intents) = 0;
    /// Removes intents of changes that were not started and will not be.
    virtual void withdraw(const std::vector<Intent>& intents) = 0;
    /// Records a change: writes the row and removes the intent in one durable transaction.
    virtual void finish(std::int64_t intent, const RecordedResource& row) = 0;
    /// Records a removal: removes the intent, earlier intents at the address, and the row if there
    /// is one.
    virtual void finish_removed(std::int64_t intent, const std::string& address) = 0;
    /// Writes and removes rows without a change of real objects: adopted, refreshed, moved,
    /// forgotten. Removes open intents at the addresses of these rows.
    virtual void put(const std::vector<RecordedResource>& rows,
                     const std::vector<std::string>& forgotten) = 0;
    /// Moves rows to the addresses in `moves` simultaneously, so that two rows can swap addresses.
    /// Then writes `rows`, without removing open intents. `open` replaces the journal: it contains
    /// the same intents with their new addresses.
    virtual void move(const std::map<std::string, std::string>& moves,
                      const std::vector<RecordedResource>& rows,
                      const std::vector<Intent>& open) = 0;

    /// Replaces all rows, the outputs and the lineage in one transaction, and clears the journal.
    /// The new serial is the greater of the current one and `serial`, plus 1.
    virtual void restore(const std::vector<RecordedResource>& rows, const Value& outputs,
                         const std::string& lineage, std::int64_t serial) = 0;

    /// Encrypts all secrets again with a new data key, which is encrypted with `key`. This is one
    /// transaction, so a killed process leaves a state that either the old or the new key decrypts.
    /// Must not run while other threads use this Store.
    /// @throws Error(state) when the key is missing
    virtual void rekey(const KeySource& key) = 0;

    virtual Value outputs() const = 0;
    virtual void set_outputs(const Value& outputs) = 0;

    /// The MAC of a text with a key derived from the data key, for files beside the state.
    virtual std::string mac(std::string_view text) const = 0;

    /// Starts a run and returns its id. Encrypts all of `spec`, so that the spec of a rollback
    /// cannot be forged.
    virtual std::int64_t begin_run(const std::string& command, const Value& spec) = 0;
    virtual void record_step(std::int64_t run, const StepRecord& step) = 0;
    virtual void end_run(std::int64_t run, RunResult result, const std::string& summary) = 0;
    virtual std::vector<Run> runs() const = 0;
    virtual std::vector<StepRecord> steps(std::int64_t run) const = 0;
};

} // namespace hadeploy
