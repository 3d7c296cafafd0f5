#include "state/postgres_store.h"

#include "core/clock.h"
#include "state/postgres_schema.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

namespace hadeploy::state {

using sql::Statement;
using sql::Transaction;

namespace {
using Clock = std::chrono::steady_clock;
// The lease is renewed every 5 seconds and expires after 30. No change begins when the last renewal
// is 15 seconds old, which leaves room for clocks of different speed and for a slow renewal.
constexpr std::int64_t kRenewMs = 5'000;
constexpr std::int64_t kLateMs = 15'000;
constexpr std::int64_t kLeaseSeconds = postgres::kPatience.count(); // others may take over then
constexpr std::size_t kMostShown = 3;

/// Milliseconds since the boot, including the time in which the machine slept.
std::int64_t since_boot_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}
} // namespace

PostgresStore::PostgresStore(std::unique_ptr<postgres::Database> database, Cipher cipher, Mode mode,
                             Form form)
    : SqlStore(std::move(database), std::move(cipher), mode, std::move(form)),
      server_(static_cast<postgres::Database&>(connection())) {}

PostgresStore::~PostgresStore() {
    if (epoch_ == 0) return;
    renewer_ = {}; // its destructor stops the thread
    if (!lost_) release();
}

void PostgresStore::release() {
    const auto end_lease = [&] {
        Transaction transaction(server_);
        Statement(server_, "UPDATE project SET owner = '', expires_at = '-infinity' WHERE id = 1 "
                           "AND epoch = ? AND owner = ?")
            .bind(epoch_, owner_)
            .run();
        transaction.commit();
    };
    try {
        try {
            end_lease();
        } catch (const postgres::Lost&) {
            end_lease(); // on a new connection, unless the server is gone
        }
    } catch (const Error&) {
        // when this process ends, others on this machine take over immediately
    }
    epoch_ = 0;
}

void PostgresStore::lock(const std::string& command, std::int64_t timeout_ms) {
    if (writes()) return;
    if (mode() == Mode::read_only) throw Error(ErrorKind::state, "the state was opened read-only");
    const LockOwner self = this_process(command);
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (const auto holder = try_lock(self)) {
        const auto left = deadline - Clock::now();
        if (left <= Clock::duration::zero()) throw locked_by(*holder);
        std::this_thread::sleep_for(std::min<Clock::duration>(left, postgres::kPoll));
    }
    renewer_ = std::jthread([this](const std::stop_token& stop) { keep_renewing(stop); });
}

std::optional<PostgresStore::Holder> PostgresStore::try_lock(const LockOwner& self) {
    const std::lock_guard guard(database_mutex());
    owner_ = owner_text(self);
    const auto deadline = Clock::now() + postgres::kPatience;
    for (;;) {
        Statement query(
            server_, "SELECT epoch, writes, owner, CASE WHEN expires_at > clock_timestamp() THEN "
                     "ceil(extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint "
                     "ELSE 0 END FROM project WHERE id = 1");
        if (!query.step())
            throw Error(ErrorKind::state,
                        fmt::format("the state {} has no row for its project", server_.name()))
                .with_hint("restore a backup of the database");
        const std::int64_t epoch = query.integer(0), left_ms = query.integer(3);
        const std::string text = query.text(2);
        if (text == owner_) { // taken, but the answer was lost
            epoch_ = epoch;
            writes_ = query.integer(1);
            break;
        }
        const auto owner = parse_owner(text);
        const bool dead = owner && is_dead(*owner);
        if (left_ms > 0 && !dead) return Holder{owner, left_ms};
        try {
            if (take(epoch, dead)) break; // otherwise somebody else was faster
        } catch (const postgres::Lost&) {
            if (Clock::now() >= deadline) throw;
        }
    }
    try {
        begin_writing();
    } catch (const Error&) {
        release();
        throw;
    }
    return std::nullopt;
}

bool PostgresStore::take(std::int64_t epoch, bool from_dead) {
    renewed_ms_ = since_boot_ms();
    try {
        Transaction transaction(server_);
        Statement(server_, fmt::format("UPDATE project SET epoch = (epoch & 4611686018427387903) + "
                                       "1, writes = writes + 1, "
                                       "owner = ?, expires_at = clock_timestamp() + interval '{} "
                                       "seconds' WHERE id = 1 AND epoch = ? AND (? = 1 OR "
                                       "expires_at <= clock_timestamp())",
                                       kLeaseSeconds))
            .bind(owner_, epoch, std::int64_t{from_dead})
            .run_one(Error(ErrorKind::locked, "somebody else has the lease"));
        constexpr std::string_view kTaken = "SELECT epoch, writes FROM project WHERE id = 1";
        postgres::read_ahead(server_, {kTaken});
        Statement now(server_, kTaken);
        now.step();
        epoch_ = now.integer(0);
        writes_ = now.integer(1);
        (void)postgres::schema_version(server_, postgres::migrations()); // migrated meanwhile?
        transaction.commit();
    } catch (const Error& error) {
        epoch_ = 0;
        if (error.kind != ErrorKind::locked) throw;
        return false;
    }
    return true;
}

Error PostgresStore::locked_by(const Holder& holder) {
    const std::lock_guard guard(database_mutex());
    Error error = holder.owner ? in_use(server_.name(), *holder.owner)
                               : Error(ErrorKind::locked,
                                       fmt::format("the state {} is in use", server_.name()));
    Statement open(server_, "SELECT address FROM intents WHERE run = (SELECT max(id) FROM runs) "
                            "ORDER BY id");
    std::vector<std::string> addresses;
    while (open.step()) addresses.push_back(open.text(0));
    if (!addresses.empty()) {
        const std::size_t more = addresses.size() - std::min(addresses.size(), kMostShown);
        addresses.resize(addresses.size() - more);
        error.with_note(fmt::format("it is changing {}{}", fmt::join(addresses, ", "),
                                    more == 0 ? "" : fmt::format(" and {} more", more)));
    }
    error.with_note(
        fmt::format("if it has died, its lease expires in {} s", (holder.left_ms + 999) / 1000));
    return error;
}

void PostgresStore::hold_on() {
    Statement(server_, fmt::format("UPDATE project SET writes = writes + 1, expires_at = "
                                   "clock_timestamp() + interval '{} seconds' WHERE id = 1 AND "
                                   "epoch = ? AND writes = ? AND owner = ?",
                                   kLeaseSeconds))
        .bind(epoch_, writes_, owner_)
        .run_one(Error(ErrorKind::locked, "the lease has changed")); // see transact()
}

Error PostgresStore::displaced(std::int64_t epoch) const {
    if (epoch > epoch_)
        return Error(ErrorKind::locked,
                     fmt::format("another hadeploy has taken over the state {}, because this one "
                                 "had not renewed its lease for {} s",
                                 server_.name(), kLeaseSeconds))
            .with_hint("this run writes nothing more; wait for the other run to finish, then run "
                       "the command again");
    return Error(ErrorKind::state,
                 fmt::format("the state {} has lost writes that the server had confirmed",
                             server_.name()))
        .with_hint(
            "a standby that had not received them took over, or a backup was restored; nothing "
            "more is written; compare the state with the real objects: hadeploy plan");
}

void PostgresStore::give_up(Error error) {
    lost_ = error;
    throw Error(std::move(error));
}

void PostgresStore::transact(const std::function<void()>& body) {
    if (lost_) throw Error(*lost_);
    for (;;) {
        const std::int64_t sent_ms = since_boot_ms();
        bool committed = false;
        try {
            Transaction transaction(server_);
            hold_on();
            body();
            transaction.commit();
            committed = true;
        } catch (const postgres::Lost&) {
            committed = was_committed();
        } catch (const Error& error) {
            if (error.kind != ErrorKind::locked) throw;
            Statement now(server_, "SELECT epoch FROM project WHERE id = 1");
            give_up(displaced(now.step() ? now.integer(0) : 0));
        }
        if (!committed) continue;
        ++writes_;
        renewed_ms_ = sent_ms;
        return;
    }
}

bool PostgresStore::was_committed() {
    const auto deadline = Clock::now() + postgres::kPatience;
    for (;; std::this_thread::sleep_for(postgres::kPoll)) {
        std::int64_t epoch = 0, writes = 0;
        std::string owner;
        try {
            server_.reconnect();
            // The server may still be executing the transaction: this query waits for its end.
            Transaction transaction(server_);
            Statement now(server_,
                          "SELECT epoch, writes, owner FROM project WHERE id = 1 FOR UPDATE");
            if (now.step()) {
                epoch = now.integer(0);
                writes = now.integer(1);
                owner = now.text(2);
            }
            transaction.commit();
        } catch (Error& error) {
            if (error.kind == ErrorKind::unreachable) error.hint = postgres::kContinue;
            if (Clock::now() >= deadline) give_up(error);
            continue; // e.g. not the primary yet, or a dead session still has the row
        }
        const bool others = epoch != epoch_ || owner != owner_;
        if (others || writes < writes_ || writes > writes_ + 1) give_up(displaced(epoch));
        return writes == writes_ + 1;
    }
}

void PostgresStore::renew_if_older(std::int64_t age_ms) {
    if (since_boot_ms() - renewed_ms_ < age_ms) return;
    const std::lock_guard guard(database_mutex());
    if (since_boot_ms() - renewed_ms_ < age_ms) return; // a write has renewed it meanwhile
    transact([] {});
}

void PostgresStore::check_lock() {
    renew_if_older(kLateMs);
}

void PostgresStore::keep_renewing(const std::stop_token& stop) {
    std::unique_lock guard(renewal_mutex_);
    while (!stop.stop_requested()) {
        renewal_.wait_for(guard, stop, std::chrono::milliseconds(kRenewMs / 5),
                          [] { return false; });
        if (stop.stop_requested()) return;
        try {
            renew_if_older(kRenewMs);
        } catch (const std::exception&) {
            // the next write reports it
        }
    }
}

} // namespace hadeploy::state
