#pragma once

#include "state/lock.h"
#include "state/sqlite.h"
#include "state/store.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

namespace hadeploy::state {

/// The Store on one SQLite connection. Thread-safe: reads are serialized, writes share
/// transactions.
class SqliteStore final : public Store {
  public:
    /// @param database  open, checked and migrated
    SqliteStore(std::unique_ptr<sqlite::Database> database, Cipher cipher, Mode mode, Form form);
    ~SqliteStore() override;

    void lock(const std::string& command, std::int64_t timeout_ms) override;
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

  private:
    using Write = std::function<void(sqlite::Database&)>;
    /// A caller's part of a transaction, on the caller's stack until it is done.
    struct Job {
        const Write& write;
        std::optional<Error> error = {};
        bool done = false;
    };
    struct PendingStep {
        std::int64_t run;
        StepRecord step;
    };

    /// Runs `write` in a transaction together with those of other waiting threads. Returns when it
    /// is durable; writes nothing of it when it throws.
    void commit(const Write& write);
    void run_batch(const std::vector<Job*>& batch);
    void run_job(Job& job);
    /// @throws Error unless this store holds the lock and no other process has taken it since
    void check_epoch();
    std::size_t write_pending_steps();
    /// @throws Error(state) when another file now has the path
    void check_same_file() const;

    Mode mode_;
    Cipher cipher_;
    Form form_;
    std::unique_ptr<Lock> lock_; ///< before database_, so that it is released after closing it
    std::int64_t epoch_ = 0;     ///< set by lock()
    std::uint64_t device_ = 0, inode_ = 0; ///< of the open file
    mutable std::mutex database_mutex_;    ///< guards database_ and steps_
    std::unique_ptr<sqlite::Database> database_;
    std::vector<PendingStep> steps_; ///< history, written with the next transaction

    std::mutex queue_mutex_; ///< guards queue_ and committing_; never held during a transaction
    std::condition_variable queue_changed_;
    std::vector<Job*> queue_;
    bool committing_ = false;
};

} // namespace hadeploy::state
