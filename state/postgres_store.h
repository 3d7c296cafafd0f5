#pragma once

#include "state/lock.h"
#include "state/postgres.h"
#include "state/sql_store.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace hadeploy::state {

/// A Store in a schema of a PostgreSQL database, shared by several machines.
///
/// The lock is a lease in the project's row. A thread renews it, and so does every write. Each
/// write first updates the row, on the condition that the owner and the numbers of takeovers
/// (`epoch`) and of writes still have the values that this process last saw. Therefore a process
/// that lost its lease cannot write, and after a lost connection the number of writes shows whether
/// a commit was executed. The owner is checked too, because a failover can lose a takeover, and the
/// next takeover then gets the same number.
class PostgresStore final : public SqlStore {
  public:
    /// @param database  open, checked and migrated
    PostgresStore(std::unique_ptr<postgres::Database> database, Cipher cipher, Mode mode,
                  Form form);
    ~PostgresStore() override;

    void lock(const std::string& command, std::int64_t timeout_ms) override;
    void check_lock() override;

  protected:
    void transact(const std::function<void()>& body) override;

  private:
    struct Holder {
        std::optional<LockOwner> owner; ///< nullopt: written by an unknown version
        std::int64_t left_ms;           ///< time until its lease expires
    };
    /// Takes the lease if nobody holds it; otherwise returns the holder.
    std::optional<Holder> try_lock(const LockOwner& self);
    /// Takes the lease of a dead owner, or an expired lease. @returns false if another process was
    /// faster
    /// @throws Lost: the lease may have been taken, with owner_ as its owner
    bool take(std::int64_t epoch, bool from_dead);
    /// Releases the lease, if the server can be reached.
    void release();
    [[nodiscard]] Error locked_by(const Holder& holder);
    /// Updates the project's row, as the first statement of a transaction.
    void hold_on();
    /// After a lost connection: whether the transaction was committed.
    bool was_committed();
    /// The error for a row that another process has changed.
    [[nodiscard]] Error displaced(std::int64_t epoch) const;
    void renew_if_older(std::int64_t age_ms);
    void keep_renewing(const std::stop_token& stop);
    [[noreturn]] void give_up(Error error);

    postgres::Database& server_;               ///< owned by SqlStore
    std::string owner_;                        ///< the text of this process, set by lock()
    std::int64_t epoch_ = 0, writes_ = 0;      ///< likewise
    std::atomic<std::int64_t> renewed_ms_ = 0; ///< when the last renewal was sent
    std::optional<Error> lost_;                ///< why nothing can be written any more
    std::mutex renewal_mutex_;
    std::condition_variable_any renewal_;
    std::jthread renewer_; ///< declared last, so that it is destroyed first
};

} // namespace hadeploy::state
