#include "state/sqlite_store.h"

#include "core/clock.h"
#include "core/text.h"
#include "core/trace.h"
#include "state/authentic.h"
#include "state/codec.h"
#include "state/migrations.h"
#include "state/records.h"
#include "state/sealing.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <utility>

namespace hadeploy::state {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

namespace {
void remove_intent(Database& db, std::int64_t id) {
    Statement(db, "DELETE FROM intents WHERE id = ?").bind(id).run();
    if (db.changes() == 0)
        throw Error(ErrorKind::state, fmt::format("the journal of {} has no intent {}",
                                                  in_quotes(db.path().string(), 4096), id));
}

/// Checks the project before the update, so that altered data does not get a valid MAC.
void change_project(Database& db, const Cipher& cipher, Statement& update) {
    (void)read_project(db, cipher);
    update.run();
    authenticate_project(db, cipher);
}

void increment_serial(Database& db, const Cipher& cipher) {
    Statement update(db, "UPDATE project SET serial = serial + 1");
    change_project(db, cipher, update);
}
} // namespace

SqliteStore::SqliteStore(std::unique_ptr<Database> database, Cipher cipher, Mode mode, Form form)
    : mode_(mode), cipher_(std::move(cipher)), form_(std::move(form)),
      database_(std::move(database)) {
    struct stat info {};
    if (::stat(database_->path().c_str(), &info) == 0) {
        device_ = info.st_dev;
        inode_ = info.st_ino;
    }
}

void SqliteStore::check_same_file() const {
    struct stat info {};
    if (::stat(database_->path().c_str(), &info) == 0 && info.st_dev == device_ &&
        info.st_ino == inode_)
        return;
    throw Error(ErrorKind::state,
                fmt::format("the state {} was removed or replaced by another file while this "
                            "command ran",
                            in_quotes(database_->path().string(), 4096)))
        .with_hint("nothing was written to it; run the command again");
}

void SqliteStore::lock(const std::string& command, std::int64_t timeout_ms) {
    if (lock_) return;
    if (mode_ == Mode::read_only) throw Error(ErrorKind::state, "the state was opened read-only");
    auto lock = std::make_unique<Lock>(database_->path(), this_process(command), timeout_ms);
    // The file may have changed during the wait for the lock.
    check_same_file();
    const std::lock_guard guard(database_mutex_);
    migrate(*database_, migrations());
    Transaction transaction(*database_);
    // must change, and stay in the range of SQLite's integers
    database_->run("UPDATE project SET epoch = (epoch & 4611686018427387903) + 1");
    epoch_ = database_->number("SELECT epoch FROM project");
    transaction.commit();
    database_->write_ahead(true);
    lock_ = std::move(lock);
}

SqliteStore::~SqliteStore() {
    if (!lock_) return;
    try {
        check_same_file();
        database_->write_ahead(false);
    } catch (const Error&) {
        // everything is durable; the end of the next run retries
    }
}

void SqliteStore::check_epoch() {
    const std::string file = in_quotes(database_->path().string(), 4096);
    if (!lock_)
        throw Error(ErrorKind::state,
                    fmt::format("attempt to write the state {} without its lock", file));
    if (database_->number("SELECT epoch FROM project") != epoch_)
        throw Error(ErrorKind::locked, fmt::format("another hadeploy has taken over the state {}; "
                                                   "was its lock file removed?",
                                                   file))
            .with_hint(
                "nothing more is written here; wait for the other one to finish, then run the "
                "command again");
}

void SqliteStore::commit(const Write& write) {
    Job job{write};
    std::unique_lock guard(queue_mutex_);
    queue_.push_back(&job);
    while (!job.done) {
        if (committing_) {
            queue_changed_.wait(guard);
            continue;
        }
        // This thread commits for all waiting threads, including itself.
        committing_ = true;
        const std::vector<Job*> batch = std::exchange(queue_, {});
        guard.unlock();
        run_batch(batch);
        guard.lock();
        committing_ = false;
        for (Job* done : batch) done->done = true;
        queue_changed_.notify_all();
    }
    if (job.error) throw *job.error;
}

void SqliteStore::run_batch(const std::vector<Job*>& batch) {
    const Span span("commit");
    const std::lock_guard guard(database_mutex_);
    std::optional<Error> error;
    try {
        Transaction transaction(*database_);
        check_epoch();
        const std::size_t written = write_pending_steps();
        for (Job* job : batch) run_job(*job);
        transaction.commit();
        steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(written));
        return;
    } catch (const Error& e) {
        error = e;
    } catch (const std::exception& e) { // e.g. out of memory: each caller must get the error
        error = Error(ErrorKind::state, e.what());
    }
    for (Job* job : batch)
        if (!job->error) job->error = *error; // a copy for each: callers modify it
}

void SqliteStore::run_job(Job& job) {
    try {
        Transaction savepoint(*database_, "job");
        job.write(*database_);
        savepoint.commit();
    } catch (const Error& e) {
        if (!database_->in_transaction()) throw; // the other jobs were rolled back too
        job.error = e;
    }
}

std::size_t SqliteStore::write_pending_steps() {
    if (steps_.empty()) return 0;
    Statement insert(*database_,
                     "INSERT INTO steps SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5, "
                     "?6, ?7 FROM steps WHERE run = ?1");
    for (const auto& [run, step] : steps_)
        insert
            .bind(run, step.address, action_name(step.action), step.started_ms, step.ended_ms,
                  step_result_name(step.result), codec::encode_names(step.after))
            .run();
    return steps_.size();
}

std::string SqliteStore::project() const {
    const std::lock_guard guard(database_mutex_);
    return read_project(*database_, cipher_).name;
}

std::string SqliteStore::lineage() const {
    const std::lock_guard guard(database_mutex_);
    return read_project(*database_, cipher_).lineage;
}

std::int64_t SqliteStore::serial() const {
    const std::lock_guard guard(database_mutex_);
    return read_project(*database_, cipher_).serial;
}

std::vector<RecordedResource> SqliteStore::rows() const {
    std::vector<RecordedResource> out;
    each_row_but({}, [&](RecordedResource row) { out.push_back(std::move(row)); });
    return out;
}

void SqliteStore::each_row_but(const std::vector<std::string>& types,
                               const std::function<void(RecordedResource)>& use) const {
    const std::lock_guard guard(database_mutex_);
    Statement query(*database_, fmt::format("SELECT {} FROM resources WHERE type NOT IN (SELECT "
                                            "value FROM json_each(?)) ORDER BY address",
                                            kRowColumns));
    query.bind(codec::encode_names(types));
    while (query.step()) use(read_row(query, cipher_, form_));
}

std::optional<RecordedResource> SqliteStore::row(const std::string& address) const {
    const std::lock_guard guard(database_mutex_);
    Statement query(*database_,
                    fmt::format("SELECT {} FROM resources WHERE address = ?", kRowColumns));
    query.bind(address);
    if (!query.step()) return std::nullopt;
    return read_row(query, cipher_, form_);
}

std::vector<Intent> SqliteStore::intents() const {
    const std::lock_guard guard(database_mutex_);
    Statement query(*database_, std::string(kIntentQuery) + " ORDER BY id");
    std::vector<Intent> out;
    while (query.step()) out.push_back(read_intent(query, cipher_, form_));
    return out;
}

void SqliteStore::begin(std::vector<Intent>& intents) {
    commit([&](Database& db) {
        // A new intent settles intents that earlier runs left open at its address. But an open
        // create is the only record of the object that a removal is about to remove.
        Statement settle(db, "DELETE FROM intents WHERE address = ?1 AND run < ?2 "
                             "AND NOT (?3 = 'remove' AND action = 'create')");
        for (const Intent& intent : intents)
            settle.bind(intent.address, intent.run, change_name(intent.action)).run();
        IntentWriter writer(db, cipher_, form_);
        for (Intent& intent : intents) writer.write(intent);
    });
}

void SqliteStore::withdraw(const std::vector<Intent>& intents) {
    if (intents.empty()) return;
    commit([&](Database& db) {
        for (const Intent& intent : intents) remove_intent(db, intent.id);
    });
}

void SqliteStore::finish(std::int64_t intent, const RecordedResource& row) {
    commit([&](Database& db) {
        remove_intent(db, intent);
        RowWriter(db, cipher_, form_).write(row);
        increment_serial(db, cipher_);
    });
}

void SqliteStore::finish_removed(std::int64_t intent, const std::string& address) {
    commit([&](Database& db) {
        // An existing replacement has a higher generation, and is kept.
        Statement(db,
                  "DELETE FROM resources WHERE address = ? AND generation <= (SELECT generation "
                  "FROM intents WHERE id = ?)")
            .bind(address, intent)
            .run();
        Statement(db, "DELETE FROM intents WHERE address = ?1 AND id < ?2 AND generation <= "
                      "(SELECT generation FROM intents WHERE id = ?2)")
            .bind(address, intent)
            .run();
        remove_intent(db, intent);
        increment_serial(db, cipher_);
    });
}

void SqliteStore::put(const std::vector<RecordedResource>& rows,
                      const std::vector<std::string>& forgotten) {
    if (rows.empty() && forgotten.empty()) return;
    commit([&](Database& db) {
        Statement remove(db, "DELETE FROM resources WHERE address = ?");
        Statement settle(db, "DELETE FROM intents WHERE address = ?");
        for (const std::string& address : forgotten) {
            remove.bind(address).run();
            settle.bind(address).run();
        }
        RowWriter writer(db, cipher_, form_);
        for (const RecordedResource& row : rows) {
            writer.write(row);
            settle.bind(row.address).run();
        }
        increment_serial(db, cipher_);
    });
}

void SqliteStore::move(const std::map<std::string, std::string>& moves,
                       const std::vector<RecordedResource>& rows, const std::vector<Intent>& open) {
    if (moves.empty() && rows.empty()) return;
    commit([&](Database& db) {
        // Secrets are sealed for their place, so that rows must be read and written again.
        std::vector<RecordedResource> moved;
        for (const auto& [from, to] : moves) {
            Statement row(db,
                          fmt::format("SELECT {} FROM resources WHERE address = ?", kRowColumns));
            row.bind(from);
            for (; row.step(); moved.back().address = to)
                moved.push_back(read_row(row, cipher_, form_));
        }
        for (const auto& [from, to] : moves)
            Statement(db, "DELETE FROM resources WHERE address = ?").bind(from).run();
        db.run("DELETE FROM intents");
        RowWriter writer(db, cipher_, form_);
        for (const RecordedResource& row : moved) writer.write(row);
        for (const RecordedResource& row : rows) writer.write(row);
        IntentWriter journal(db, cipher_, form_);
        for (Intent intent : open) journal.write(intent);
        increment_serial(db, cipher_);
    });
}

void SqliteStore::restore(const std::vector<RecordedResource>& rows, const Value& outputs,
                          const std::string& lineage, std::int64_t serial) {
    commit([&](Database& db) {
        db.run("DELETE FROM resources");
        db.run("DELETE FROM intents");
        RowWriter writer(db, cipher_, form_);
        for (const RecordedResource& row : rows) writer.write(row);
        Statement update(
            db, "UPDATE project SET outputs = ?, lineage = ?, serial = max(serial, ?) + 1");
        update.bind(codec::encode(outputs, cipher_, place("project", "1", "outputs")), lineage,
                    serial);
        change_project(db, cipher_, update);
    });
}

void SqliteStore::rekey(const KeySource& key) {
    Cipher fresh = Cipher::make(key);
    commit([&](Database& db) { reseal_state(db, cipher_, fresh); });
    const std::lock_guard guard(database_mutex_);
    cipher_ = std::move(fresh);
}

Value SqliteStore::outputs() const {
    const std::lock_guard guard(database_mutex_);
    return codec::decode(read_project(*database_, cipher_).outputs, cipher_,
                         place("project", "1", "outputs"));
}

void SqliteStore::set_outputs(const Value& outputs) {
    commit([&](Database& db) {
        Statement update(db, "UPDATE project SET outputs = ?");
        update.bind(codec::encode(outputs, cipher_, place("project", "1", "outputs")));
        change_project(db, cipher_, update);
    });
}

std::string SqliteStore::mac(std::string_view text) const {
    return cipher_.mac({"beside the state", text});
}

std::int64_t SqliteStore::begin_run(const std::string& command, const Value& spec) {
    std::int64_t id = 0;
    commit([&](Database& db) {
        Statement(db, "INSERT INTO runs (command, started_ms, spec) VALUES (?,?,'')")
            .bind(command, now_ms())
            .run();
        id = db.last_id();
        Statement(db, "UPDATE runs SET spec = ? WHERE id = ?")
            .bind(
                codec::encode(spec.as_secret(), cipher_, place("runs", std::to_string(id), "spec")),
                id)
            .run();
    });
    return id;
}

void SqliteStore::record_step(std::int64_t run, const StepRecord& step) {
    const std::lock_guard guard(database_mutex_);
    steps_.push_back({run, step});
}

void SqliteStore::end_run(std::int64_t run, RunResult result, const std::string& summary) {
    commit([&](Database& db) {
        Statement(db, "UPDATE runs SET ended_ms = ?, result = ?, summary = ? WHERE id = ?")
            .bind(now_ms(), run_result_name(result), summary, run)
            .run();
    });
}

std::vector<Run> SqliteStore::runs() const {
    const std::lock_guard guard(database_mutex_);
    Statement query(*database_, "SELECT id, command, started_ms, ended_ms, result, spec, summary "
                                "FROM runs ORDER BY id");
    std::vector<Run> out;
    while (query.step()) {
        Value spec = codec::decode(query.text(5), cipher_, place("runs", query.text(0), "spec"));
        if (cipher_.seals_runs() && !spec.secret()) spec = {}; // not written by hadeploy
        // a text that hadeploy does not write means nothing
        const RunResult result = run_result_named(query.text(4)).value_or(RunResult::not_ended);
        out.push_back({query.integer(0), query.text(1), query.integer(2), query.integer(3), result,
                       std::move(spec), query.text(6)});
    }
    return out;
}

std::vector<StepRecord> SqliteStore::steps(std::int64_t run) const {
    const std::lock_guard guard(database_mutex_);
    Statement query(*database_, "SELECT address, action, started_ms, ended_ms, result, after "
                                "FROM steps WHERE run = ? ORDER BY number");
    query.bind(run);
    std::vector<StepRecord> out;
    while (query.step()) {
        const std::string address = query.text(0);
        const auto action = action_named(query.text(1));
        const auto result = step_result_named(query.text(4));
        if (!action || !result) throw altered(address);
        out.push_back({address, *action, query.integer(2), query.integer(3), *result,
                       codec::decode_names(query.text(5))});
    }
    for (const PendingStep& pending : steps_)
        if (pending.run == run) out.push_back(pending.step);
    return out;
}

} // namespace hadeploy::state
