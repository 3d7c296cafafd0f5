#pragma once

#include "core/recorded_resource.h"
#include "core/value.h"
#include "state/cipher.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// An effect that was begun, or was the next to be. Written before it, removed together with the
/// write of its result: what is found at start was interrupted and has to be looked at.
struct Intent {
    std::int64_t id = 0;
    std::int64_t run = 0;
    std::string address;
    std::string type;
    std::int64_t generation = 1;
    std::string action; ///< create, update, remove
    std::string identity;
    Value config; ///< what was to be made; null for a remove
    std::vector<std::string> depends_on;
    std::int64_t started_ms = 0;
};

/// One run of apply or destroy, for the history.
struct Run {
    std::int64_t id = 0;
    std::string command;
    std::int64_t started_ms = 0; ///< Unix time
    std::int64_t ended_ms = 0;   ///< 0 while it runs or when it was killed
    std::string result;          ///< "", "done", "failed", "interrupted"
    /// What it was made from, for a rollback. Null where nothing says that it
    /// is hadeploy's own.
    Value spec;
    std::string summary; ///< JSON: counts and durations
};

/// One step of a run as it went, for durations, critical paths and charts.
struct StepRecord {
    std::string address;
    std::string action;
    std::int64_t started_ms = 0;
    std::int64_t ended_ms = 0;
    std::string result;             ///< "done", "failed", "adopted", "unchanged"
    std::vector<std::string> after; ///< addresses of the steps that it had to wait for
};

/// How configs and attributes of a type are written, and the way back: with paths relative to the
/// project, say. Values stay as they are where a function is empty.
struct Form {
    using Change = std::function<Value(const std::string& type, const Value&)>;
    Change kept = {}; ///< what is stored of a value
    Change used = {}; ///< what a stored value stands for
};

struct LockOwner {
    std::int64_t pid = 0;
    std::string host, user, boot_id, command;
    std::int64_t since_ms = 0;
    bool brief = false; ///< it is held for moments: who meets it waits for that in any case
};

/// The state of one project: resources, journal, history, lock. One writer at a time; readers need
/// no lock. All SQL of hadeploy is behind this door.
class Store {
  public:
    enum class Mode { read_only, read_write };

    /// Opens (read_write: makes, and migrates) the state file. read_only of a file that does not
    /// exist gives an empty store. All Values' secret parts in it are encrypted.
    /// @param project  whose it has to be; "" for whoever only reads, and takes any
    /// @param key  by default that in a file beside the state, which is made with it
    /// @throws Error(state) when it is corrupt, newer than this program, another project's, not
    ///         writable, on a network file system, or the key does not open it
    /// @param form  of configs and attributes
    static std::unique_ptr<Store> open(const std::filesystem::path& file, Mode mode,
                                       const std::string& project, const KeySource& key = {},
                                       Form form = {});
    virtual ~Store() = default;

    /// Takes the writer's lock; waits up to `timeout_ms`. Held until the Store is closed or the
    /// process dies (the kernel lets go of a dead owner's lock).
    /// @throws Error(locked) naming the owner
    virtual void lock(const std::string& command, std::int64_t timeout_ms) = 0;

    virtual std::string project() const = 0; ///< whose it is
    virtual std::string lineage() const = 0;
    /// Rises with every transaction that changes resources; a saved plan names the one it saw.
    virtual std::int64_t serial() const = 0;

    virtual std::vector<RecordedResource> rows() const = 0;
    /// Hands over, one after the other in the order of their addresses, those that are of none of
    /// these types: a state is large. `use` must not call this Store.
    virtual void each_row_but(const std::vector<std::string>& types,
                              const std::function<void(RecordedResource)>& use) const = 0;
    virtual std::optional<RecordedResource> row(const std::string& address) const = 0;
    virtual std::vector<Intent> intents() const = 0;

    /// Writes the intents of one batch, durable when it returns. Fills in Intent::id. What earlier
    /// runs left open there goes, but for the create of what is removed: that goes with the object.
    virtual void begin(std::vector<Intent>& intents) = 0;
    /// Nothing has been done about these, nor will be: they go.
    virtual void withdraw(const std::vector<Intent>& intents) = 0;
    /// The effect is there: the row and the removal of its intent in one durable transaction.
    virtual void finish(std::int64_t intent, const RecordedResource& row) = 0;
    /// The object is gone: row (when there is one), intent and what was open before it go.
    virtual void finish_removed(std::int64_t intent, const std::string& address) = 0;
    /// Rows changed without an effect outside: adopted, refreshed, moved, forgotten. That settles
    /// what was open at their addresses.
    virtual void put(const std::vector<RecordedResource>& rows,
                     const std::vector<std::string>& forgotten) = 0;
    /// Gives rows the addresses that `moves` maps theirs to, all at once: two may swap. Then writes
    /// `rows` over what is there, which settles nothing. `open` replaces the journal: the same
    /// intents, with the addresses that they have now.
    virtual void move(const std::map<std::string, std::string>& moves,
                      const std::vector<RecordedResource>& rows,
                      const std::vector<Intent>& open) = 0;

    /// Everything that is recorded is replaced, in one transaction: rows, outputs, lineage. The
    /// journal is emptied. The serial becomes one more than the greater of its own and `serial`.
    virtual void restore(const std::vector<RecordedResource>& rows, const Value& outputs,
                         const std::string& lineage, std::int64_t serial) = 0;

    /// Encrypts all that is secret anew, with a new data key which `key` locks: in one transaction,
    /// so that whoever is killed leaves a state that the old key opens, or the new one. Not while
    /// others use this Store.
    /// @throws Error(state): no such key
    virtual void rekey(const KeySource& key) = 0;

    virtual Value outputs() const = 0;
    virtual void set_outputs(const Value& outputs) = 0;

    /// What only who has the state's key can make of a text: for what is kept beside the state.
    virtual std::string mac(std::string_view text) const = 0;

    /// All of `spec` is encrypted, so that nobody else can make what a rollback follows.
    virtual std::int64_t begin_run(const std::string& command, const Value& spec) = 0;
    virtual void record_step(std::int64_t run, const StepRecord& step) = 0;
    virtual void end_run(std::int64_t run, const std::string& result,
                         const std::string& summary) = 0;
    virtual std::vector<Run> runs() const = 0;
    virtual std::vector<StepRecord> steps(std::int64_t run) const = 0;
};

} // namespace hadeploy
