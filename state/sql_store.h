#pragma once

#include "state/authentic.h"
#include "state/ledger.h"
#include "state/relocation.h"
#include "state/sql.h"
#include "state/store.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

namespace hadeploy::state {

/// A Store on one connection to a database. Thread-safe: reads are serialized, writes share
/// transactions. Subclasses implement the lock of SQLite and of PostgreSQL, and the check that a
/// process may write.
class SqlStore : public Store {
  public:
    /// To be called if the state did not exist before.
    void mark_new() { existed_ = false; }
    /// To be called if the state is read in an older schema, which has no relocations.
    void mark_older() { older_ = true; }
    /// The key that opened the state. Needed if a different process changes the key of the state.
    void set_key(KeySource key) { key_ = std::move(key); }
    bool existed() const override { return existed_; }
    std::string project() const override;
    std::string lineage() const override;
    std::int64_t serial() const override;
    std::vector<RecordedResource> rows() const override;
    void each_row_but(const std::vector<std::string>& types,
                      const std::function<void(RecordedResource)>& use) const override;
    std::optional<RecordedResource> row(const std::string& address) const override;
    std::vector<Intent> intents() const override;
    void begin(std::vector<Intent>& intents) override;
    void withdraw(const std::vector<Intent>& intents) override;
    void finish(std::int64_t intent, const RecordedResource& row) override;
    void finish_removed(std::int64_t intent, const std::string& address) override;
    void put(const std::vector<RecordedResource>& rows,
             const std::vector<std::string>& forgotten) override;
    void move(const std::map<std::string, std::string>& moves,
              const std::vector<RecordedResource>& rows, const std::vector<Intent>& open) override;
    void restore(const std::vector<RecordedResource>& rows, const Value& outputs,
                 const std::string& lineage, std::int64_t serial) override;
    void rekey(const KeySource& key) override;
    Value outputs() const override;
    void set_outputs(const Value& outputs) override;
    std::string mac(std::string_view text) const override;
    std::int64_t begin_run(const std::string& command, const Value& spec) override;
    void record_step(std::int64_t run, const StepRecord& step) override;
    void end_run(std::int64_t run, RunResult result, const std::string& summary) override;
    std::vector<Run> runs() const override;
    std::vector<StepRecord> steps(std::int64_t run) const override;

    // For relocate.h, which knows the tables and moves a state to another location.

    /// Ensures that the state is in use at this location: calls check_not_relocated() now, and
    /// again when the lock is acquired. @throws Error(state)
    void stay_here();
    std::optional<Relocation> relocation() const;
    void set_relocation(const std::optional<Relocation>& mark);
    /// Calls `use` while no other thread uses the connection.
    void use_tables(const std::function<void(sql::Database&, const Cipher&)>& use) const;
    /// Replaces the contents in one transaction. `write` may run several times.
    /// @param cipher  cipher of the new contents
    void replace_tables(const Cipher& cipher, const Relocation& mark,
                        const std::function<void(sql::Database&)>& write);

  protected:
    /// @param database  an open database that is checked and migrated
    SqlStore(std::unique_ptr<sql::Database> database, Cipher cipher, Mode mode, Form form);

    /// Runs `body` in a transaction of the lock holder. May run it again if the transaction had no
    /// effect. Called with database_mutex_ held.
    /// @throws Error unless this store holds the lock and no other process has taken it since
    virtual void transact(const std::function<void()>& body) = 0;
    /// Must be called when the lock is acquired, with database_mutex_ held.
    /// @throws Error(state) when records are missing or were replaced
    void begin_writing();
    [[nodiscard]] bool writes() const { return project_.has_value(); }
    [[nodiscard]] Mode mode() const { return mode_; }
    [[nodiscard]] sql::Database& connection() { return *database_; }
    void close() {
        ledger_.reset();
        database_.reset();
    }
    [[nodiscard]] std::mutex& database_mutex() const { return database_mutex_; }

  private:
    using Write = std::function<void(Ledger&, Project&)>;
    /// A caller's part of a transaction. It is on the caller's stack until the part is done.
    struct Job {
        const Write& write;
        std::optional<Error> error = {};
        bool done = false;
    };
    struct PendingStep {
        std::int64_t run, number;
        StepRecord step;
    };

    /// Runs `write` in one transaction with the writes of other waiting threads. Returns when the
    /// transaction is durable. If `write` throws, none of its changes is written. `write` may run
    /// several times.
    void commit(const Write& write);
    void run_batch(const std::vector<Job*>& batch);
    void run_together(const std::vector<Job*>& jobs);
    std::size_t write_pending_steps();
    /// Reads from the database, and again if another process has changed the key meanwhile.
    template<class Read>
    auto reading(const Read& read) const -> decltype(read()) {
        const std::lock_guard guard(database_mutex_);
        try {
            return read();
        } catch (const Error& error) {
            if (error.kind != ErrorKind::state || !follow_key()) throw located(error);
        }
        try {
            return read();
        } catch (const Error& error) {
            throw located(error);
        }
    }
    /// Adds the name of the state and the next step to an error of its contents that says neither.
    [[nodiscard]] Error located(Error error) const;
    [[nodiscard]] const Project& known_project() const;
    [[nodiscard]] Value spec_of_run(const sql::Statement& row) const;
    [[nodiscard]] std::vector<StepRecord> read_steps(std::int64_t run) const;
    /// Decrypts the data key again if it was changed since the state was opened. @returns whether
    /// it was changed
    /// @throws Error(state) when this process does not have the new key
    bool follow_key() const;
    /// Upgrades a state that predates the digest.
    void add_digest();
    void read_ledger();

    Mode mode_;
    bool existed_ = true, older_ = false, stays_ = false;
    KeySource key_;
    mutable Cipher cipher_; ///< guarded by database_mutex_
    Form form_;
    mutable std::mutex database_mutex_; ///< guards the following members
    std::unique_ptr<sql::Database> database_;
    /// The project as this process last wrote it; no other process changes it while this one holds
    /// the lock. Known even when the server is lost.
    std::optional<Project> project_;
    /// The project as a reader has read it; reset when the reader reads records.
    mutable std::optional<Project> read_project_;
    std::optional<Ledger> ledger_;
    std::int64_t last_intent_ = 0, last_run_ = 0;     ///< the highest IDs in use
    std::map<std::int64_t, std::int64_t> last_steps_; ///< the number of the last step, by run
    std::vector<PendingStep> steps_; ///< history, written with the next transaction

    std::mutex queue_mutex_; ///< guards queue_ and committing_; never held during a transaction
    std::condition_variable queue_changed_;
    std::vector<Job*> queue_;
    bool committing_ = false;
};

} // namespace hadeploy::state
