#include "state/sql_store.h"

#include "core/clock.h"
#include "core/text.h"
#include "core/trace.h"
#include "core/unexpected.h"
#include "state/authentic.h"
#include "state/codec.h"
#include "state/records.h"
#include "state/sealing.h"

#include <fmt/format.h>
#include <utility>

namespace hadeploy::state {

using sql::Database;
using sql::Statement;
using sql::Transaction;

namespace {
constexpr std::string_view kLastIntentQuery = "SELECT coalesce(max(id), 0) FROM intents";
constexpr std::string_view kLastRunQuery = "SELECT coalesce(max(id), 0) FROM runs";

std::int64_t number(Database& db, std::string_view sql) {
    Statement query(db, sql);
    return query.step() ? query.integer(0) : 0;
}
} // namespace

SqlStore::SqlStore(std::unique_ptr<Database> database, Cipher cipher, Mode mode, Form form)
    : mode_(mode), cipher_(std::move(cipher)), form_(std::move(form)),
      database_(std::move(database)) {}

void SqlStore::stay_here() {
    const std::lock_guard guard(database_mutex_);
    stays_ = !older_;
    if (stays_) check_not_relocated(*database_, cipher_);
}

std::optional<Relocation> SqlStore::relocation() const {
    const std::lock_guard guard(database_mutex_);
    return read_relocation(*database_, cipher_);
}

void SqlStore::set_relocation(const std::optional<Relocation>& mark) {
    commit([&](Ledger&, Project&) { write_relocation(*database_, cipher_, mark); });
}

void SqlStore::use_tables(const std::function<void(Database&, const Cipher&)>& use) const {
    const std::lock_guard guard(database_mutex_);
    use(*database_, cipher_);
}

void SqlStore::replace_tables(const Cipher& cipher, const Relocation& mark,
                              const std::function<void(Database&)>& write) {
    commit([&](Ledger&, Project&) {
        write(*database_);
        write_relocation(*database_, cipher, mark);
    });
    const std::lock_guard guard(database_mutex_);
    cipher_ = cipher;
    begin_writing();
}

bool SqlStore::follow_key() const {
    const std::string key = stored_key(*database_);
    if (key == cipher_.encrypted_key()) return false;
    read_project_.reset();
    cipher_ = Cipher::load(key, key_, fmt::format("the state {}", database_->name()));
    return true;
}

void SqlStore::begin_writing() {
    database_->read_ahead({kKeyQuery, kRelocationQuery, kLastIntentQuery, kLastRunQuery,
                           kProjectQuery, kRecordKeysQuery, kIntentKeysQuery},
                          "");
    (void)follow_key();                                   // changed while this waited for the lock
    if (stays_) check_not_relocated(*database_, cipher_); // while this waited for the lock
    last_intent_ = number(*database_, kLastIntentQuery);
    last_run_ = number(*database_, kLastRunQuery);
    if (!cipher_.authenticates_set()) add_digest();
    read_ledger();
}

void SqlStore::add_digest() {
    Cipher upgraded = cipher_.upgraded();
    transact([&] {
        check_all(*database_, cipher_);
        store_key(*database_, cipher_);
    });
    cipher_ = std::move(upgraded);
}

void SqlStore::read_ledger() {
    Project project = read_project(*database_, cipher_);
    ledger_.emplace(*database_, cipher_, form_);
    if (!has_records(cipher_, project.digest, ledger_->digests().records) ||
        !has_intents(cipher_, project.digest, ledger_->digests().intents))
        throw incomplete(database_->name());
    project_ = std::move(project);
}

void SqlStore::commit(const Write& write) {
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

void SqlStore::run_batch(const std::vector<Job*>& batch) {
    const Span span("commit");
    std::optional<Error> error;
    try {
        return run_together(batch);
    } catch (const Error& e) {
        error = e;
    } catch (const std::exception& e) { // such as out of memory: each caller must receive it
        error = as_error(e);
    }
    if (batch.size() == 1)
        batch[0]->error = error;
    else // the failure of one job rolled back all of them: now each runs in its own transaction
        for (Job* job : batch) run_batch({job});
}

void SqlStore::run_together(const std::vector<Job*>& jobs) {
    const std::lock_guard guard(database_mutex_);
    if (!project_)
        throw Error(ErrorKind::state,
                    fmt::format("attempt to write to the state {} without holding its lock",
                                database_->name()));
    Project project;
    std::size_t written = 0;
    transact([&] {
        ledger_->undo(); // the changes of a transaction that failed
        project = *project_;
        written = write_pending_steps();
        for (Job* job : jobs) job->write(*ledger_, project);
        if (ledger_->has_changes()) project.digest = digests_text(cipher_, ledger_->digests());
        if (project != *project_) write_project(*database_, cipher_, project);
    });
    ledger_->keep();
    project_ = std::move(project);
    steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(written));
}

std::size_t SqlStore::write_pending_steps() {
    if (steps_.empty()) return 0;
    Statement insert(*database_, "INSERT INTO steps VALUES (?,?,?,?,?,?,?,?)");
    for (const PendingStep& pending : steps_) {
        const StepRecord& step = pending.step;
        insert
            .bind(pending.run, pending.number, step.address, action_name(step.action),
                  step.started_ms, step.ended_ms, step_result_name(step.result),
                  codec::encode_names(step.after))
            .run();
    }
    return steps_.size();
}

std::string SqlStore::project() const {
    const std::lock_guard guard(database_mutex_);
    return read_project(*database_, cipher_).name;
}

const Project& SqlStore::known_project() const {
    if (project_) return *project_;
    if (!read_project_) read_project_ = read_project(*database_, cipher_);
    return *read_project_;
}

std::string SqlStore::lineage() const {
    return reading([&] { return known_project().lineage; });
}

std::int64_t SqlStore::serial() const {
    return reading([&] { return known_project().serial; });
}

std::vector<RecordedResource> SqlStore::rows() const {
    std::vector<RecordedResource> out;
    each_row_but({}, [&](RecordedResource row) { out.push_back(std::move(row)); });
    return out;
}

void SqlStore::each_row_but(const std::vector<std::string>& types,
                            const std::function<void(RecordedResource)>& use) const {
    std::string others;
    for (std::size_t i = 1; i <= types.size(); ++i)
        others += fmt::format("{}?{}", i == 1 ? "" : ", ", i);
    if (!others.empty()) others = fmt::format("type NOT IN ({})", others);
    // with another key, it fails before the first record
    reading([&] {
        read_project_.reset(); // may be older than the records
        read_records(*database_, cipher_, form_, {others, types}, use);
    });
}

std::optional<RecordedResource> SqlStore::row(const std::string& address) const {
    std::optional<RecordedResource> out;
    reading([&] {
        read_project_.reset();
        read_records(*database_, cipher_, form_, {"address = ?1", {address}},
                     [&](RecordedResource row) { out = std::move(row); });
    });
    return out;
}

std::vector<Intent> SqlStore::intents() const {
    return reading([&] {
        read_project_.reset();
        return read_intents(*database_, cipher_, form_);
    });
}

void SqlStore::begin(std::vector<Intent>& intents) {
    commit([&](Ledger& ledger, Project&) {
        // A new intent settles intents that earlier runs left open at its address. But an open
        // create is the only record of the object that a removal is about to remove.
        for (const Intent& intent : intents)
            ledger.settle(intent.address, [&](const IntentKey& open) {
                return open.run < intent.run && !(intent.action == ChangeKind::remove &&
                                                  open.action == change_name(ChangeKind::create));
            });
        for (Intent& intent : intents) {
            intent.id = ++last_intent_;
            ledger.write(intent);
        }
    });
}

void SqlStore::withdraw(const std::vector<Intent>& intents) {
    if (intents.empty()) return;
    commit([&](Ledger& ledger, Project&) {
        for (const Intent& intent : intents) ledger.remove_intent(intent.id);
    });
}

void SqlStore::finish(std::int64_t intent, const RecordedResource& row) {
    commit([&](Ledger& ledger, Project& project) {
        ledger.remove_intent(intent);
        ledger.write(row);
        ++project.serial;
    });
}

void SqlStore::finish_removed(std::int64_t intent, const std::string& address) {
    commit([&](Ledger& ledger, Project& project) {
        // An existing replacement has a higher generation, and is kept.
        const std::int64_t generation = ledger.intent(intent).generation;
        ledger.remove(address, generation);
        ledger.settle(address, [&](const IntentKey& open) {
            return open.id < intent && open.generation <= generation;
        });
        ledger.remove_intent(intent);
        ++project.serial;
    });
}

void SqlStore::put(const std::vector<RecordedResource>& rows,
                   const std::vector<std::string>& forgotten) {
    if (rows.empty() && forgotten.empty()) return;
    commit([&](Ledger& ledger, Project& project) {
        const auto settle = [&](const std::string& address) {
            ledger.settle(address, [](const IntentKey&) { return true; });
        };
        for (const std::string& address : forgotten) {
            ledger.remove(address);
            settle(address);
        }
        for (const RecordedResource& row : rows) {
            ledger.write(row);
            settle(row.address);
        }
        ++project.serial;
    });
}

void SqlStore::move(const std::map<std::string, std::string>& moves,
                    const std::vector<RecordedResource>& rows, const std::vector<Intent>& open) {
    if (moves.empty() && rows.empty()) return;
    commit([&](Ledger& ledger, Project& project) {
        // Secrets are sealed for their place, so the rows must be read and written again.
        std::vector<RecordedResource> moved;
        for (const auto& [from, to] : moves) {
            Statement row(*database_,
                          fmt::format("SELECT {} FROM resources WHERE address = ?", kRowColumns));
            row.bind(from);
            for (; row.step(); moved.back().address = to)
                moved.push_back(read_row(row, cipher_, form_));
        }
        for (const auto& [from, to] : moves) ledger.remove(from);
        ledger.settle_all();
        for (const RecordedResource& row : moved) ledger.write(row);
        for (const RecordedResource& row : rows) ledger.write(row);
        for (Intent intent : open) {
            intent.id = ++last_intent_;
            ledger.write(intent);
        }
        ++project.serial;
    });
}

void SqlStore::restore(const std::vector<RecordedResource>& rows, const Value& outputs,
                       const std::string& lineage, std::int64_t serial) {
    commit([&](Ledger& ledger, Project& project) {
        ledger.remove_all();
        for (const RecordedResource& row : rows) ledger.write(row);
        project.outputs = codec::encode(outputs, cipher_, place("project", "1", "outputs"));
        project.lineage = lineage;
        project.serial = std::max(project.serial, serial) + 1;
    });
}

void SqlStore::rekey(const KeySource& key) {
    Cipher fresh = Cipher::make(key);
    commit([&](Ledger&, Project&) { reseal_state(*database_, cipher_, fresh); });
    const std::lock_guard guard(database_mutex_);
    cipher_ = std::move(fresh);
    key_ = key;
    read_ledger();
}

Value SqlStore::outputs() const {
    return reading([&] {
        return codec::decode(known_project().outputs, cipher_, place("project", "1", "outputs"));
    });
}

void SqlStore::set_outputs(const Value& outputs) {
    commit([&](Ledger&, Project& project) {
        project.outputs = codec::encode(outputs, cipher_, place("project", "1", "outputs"));
    });
}

std::string SqlStore::mac(std::string_view text) const {
    return cipher_.mac({"beside the state", text});
}

std::int64_t SqlStore::begin_run(const std::string& command, const Value& spec) {
    std::int64_t id = 0;
    commit([&](Ledger&, Project&) {
        id = ++last_run_;
        Statement(*database_, "INSERT INTO runs (id, command, started_ms, spec) VALUES (?,?,?,?)")
            .bind(
                id, command, now_ms(),
                codec::encode(spec.as_secret(), cipher_, place("runs", std::to_string(id), "spec")))
            .run();
    });
    const std::lock_guard guard(database_mutex_);
    last_steps_[id] = 0;
    return id;
}

void SqlStore::record_step(std::int64_t run, const StepRecord& step) {
    const std::lock_guard guard(database_mutex_);
    const auto [last, unknown] = last_steps_.try_emplace(run, 0);
    if (unknown) // the run was not begun by this process
        last->second = number(*database_, fmt::format("SELECT coalesce(max(number), 0) FROM steps "
                                                      "WHERE run = {}",
                                                      run));
    steps_.push_back({run, ++last->second, step});
}

void SqlStore::end_run(std::int64_t run, RunResult result, const std::string& summary) {
    commit([&](Ledger&, Project&) {
        Statement(*database_, "UPDATE runs SET ended_ms = ?, result = ?, summary = ? WHERE id = ?")
            .bind(now_ms(), run_result_name(result), summary, run)
            .run();
    });
}

/// Null for a text that hadeploy did not write: the other runs can still be read.
Value SqlStore::spec_of_run(const Statement& row) const {
    const std::string text = row.text(5);
    if (cipher_.seals_runs() && !codec::is_json(text)) return {};
    Value spec = codec::decode(text, cipher_, place("runs", row.text(0), "spec"));
    return cipher_.seals_runs() && !spec.secret() ? Value() : spec;
}

std::vector<Run> SqlStore::runs() const {
    return reading([&] {
        Statement query(*database_, "SELECT id, command, started_ms, ended_ms, result, spec, "
                                    "summary FROM runs ORDER BY id");
        std::vector<Run> out;
        while (query.step()) {
            Value spec = spec_of_run(query);
            // ignores a text that hadeploy does not write
            const RunResult result = run_result_named(query.text(4)).value_or(RunResult::not_ended);
            out.push_back({query.integer(0), query.text(1), query.integer(2), query.integer(3),
                           result, std::move(spec), query.text(6)});
        }
        return out;
    });
}

Error SqlStore::located(Error error) const {
    if (error.kind != ErrorKind::state || !error.hint.empty()) return error;
    error.message = fmt::format("the state {} was altered outside hadeploy: {}", database_->name(),
                                error.message);
    error.hint = "restore a backup of the state";
    return error;
}

std::vector<StepRecord> SqlStore::steps(std::int64_t run) const {
    return reading([&] { return read_steps(run); });
}

std::vector<StepRecord> SqlStore::read_steps(std::int64_t run) const {
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
