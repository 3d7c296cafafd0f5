#include "state/postgres.h"

#include "core/text.h"
#include "state/libpq.h"
#include "state/postgres_errors.h"

#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <utility>

namespace hadeploy::postgres {

namespace {
// Type IDs from pg_type.dat. The server infers the type of a string from its use.
constexpr Oid kInt8 = 20, kInferred = 0;
// The oldest supported release of PostgreSQL when this was written was 13.
constexpr int kOldestServer = 120'000;
constexpr std::string_view kDivisionByZero = "22012";
constexpr const char* kContinue =
    "check the server and the network; then run the command again, which continues the recorded "
    "changes";

/// Replaces `?` by `$1`, `$2`, ... in order, and `?2` by `$2`.
std::string with_dollars(std::string_view sql) {
    std::string out;
    int next = 0;
    for (std::size_t i = 0; i < sql.size(); ++i) {
        if (sql[i] != '?') {
            out += sql[i];
            continue;
        }
        out += '$';
        const bool numbered = i + 1 < sql.size() && sql[i + 1] >= '1' && sql[i + 1] <= '9';
        if (!numbered) out += std::to_string(++next);
    }
    return out;
}

} // namespace

void Database::Close::operator()(pg_conn* connection) const {
    PQfinish(connection);
}
void Database::Clear::operator()(pg_result* result) const {
    PQclear(result);
}

Database::Database(StateLocation location) : location_(std::move(location)) {
    connect();
}

Database::~Database() = default;

void Database::check_server() const {
    const int version = PQserverVersion(connection_.get());
    if (version < kOldestServer)
        throw Error(
            ErrorKind::state,
            fmt::format("the server of the state {} is too old: PostgreSQL {}", name(),
                        text_or_empty(PQparameterStatus(connection_.get(), "server_version"))))
            .with_hint("hadeploy needs PostgreSQL 12 or newer");
    const std::string_view encoding =
        text_or_empty(PQparameterStatus(connection_.get(), "server_encoding"));
    if (encoding != "UTF8")
        throw Error(ErrorKind::state, fmt::format("the database of the state {} has the encoding "
                                                  "{}, but needs UTF8",
                                                  name(), in_quotes(encoding)))
            .with_hint("create one: CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8'");
}

void Database::reconnect() {
    queue_.clear();
    open_ = begun_ = false;
    connect();
}

std::string Database::name() const {
    return in_quotes(location_.text(), 4096);
}

/// The settings of each transaction. A crash of the server could lose an asynchronous commit; a
/// stricter setting is kept. The timeouts release the locks of a broken connection.
Database::Item Database::settings() const {
    return {"SELECT set_config('search_path', $1, true), set_config('synchronous_commit', CASE "
            "WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on' ELSE "
            "current_setting('synchronous_commit') END, true), set_config('lock_timeout', '20s', "
            "true), set_config('idle_in_transaction_session_timeout', '20s', true)",
            {{fmt::format("\"{}\", pg_temp", location_.schema)}}};
}

void Database::begin() {
    queue_ = {{"BEGIN ISOLATION LEVEL READ COMMITTED"}, settings()};
    open_ = true;
    begun_ = false;
}

void Database::commit() {
    queue_.push_back({"COMMIT"});
    const std::vector<Item> items = std::exchange(queue_, {});
    begun_ = true;
    (void)exchange(items, items.size() - 1);
    open_ = begun_ = false;
}

void Database::rollback() {
    queue_.clear();
    open_ = false;
    if (!std::exchange(begun_, false) || !connection_) return;
    try {
        (void)exchange({{"ROLLBACK"}}, 0);
    } catch (const Error&) {
        connection_.reset(); // which rolls back
    }
}

void Database::run(Item item) {
    if (open_)
        queue_.push_back(std::move(item));
    else
        (void)query(item);
}

Database::Result Database::query(const Item& item) {
    if (open_) {
        std::vector<Item> items = std::exchange(queue_, {});
        items.push_back(item);
        begun_ = true;
        return exchange(items, items.size() - 1);
    }
    const std::vector<Item> items{{"BEGIN"}, settings(), item, {"COMMIT"}};
    if (!connection_) connect();
    try {
        return exchange(items, 2);
    } catch (const Lost&) {
        reconnect();
        return exchange(items, 2);
    } catch (const Error&) {
        begun_ = true;
        rollback();
        throw;
    }
}

void Database::lose(std::string cause) {
    if (cause.empty()) cause = in_one_line(text_or_empty(PQerrorMessage(connection_.get())));
    connection_.reset();
    Lost lost(ErrorKind::unreachable,
              fmt::format("the connection to the state {} was lost: {}", name(), cause));
    lost.hint = kContinue;
    throw lost;
}

void Database::send(const std::vector<Item>& items) {
    pg_conn* const c = connection_.get();
    if (PQenterPipelineMode(c) != 1) lose();
    for (const Item& item : items) {
        std::vector<Oid> types;
        std::vector<const char*> values;
        for (const Parameter& p : item.parameters) {
            types.push_back(p.integer ? kInt8 : kInferred);
            values.push_back(p.text.c_str());
        }
        if (PQsendQueryParams(c, item.sql.c_str(), static_cast<int>(values.size()), types.data(),
                              values.data(), nullptr, nullptr, 0) != 1)
            lose();
    }
    if (PQpipelineSync(c) != 1) lose();
}

Database::Result Database::exchange(const std::vector<Item>& items, std::size_t wanted) {
    if (!connection_) connect();
    pg_conn* const c = connection_.get();
    send(items);
    Result out;
    std::optional<Error> error;
    for (std::size_t i = 0; i < items.size(); ++i) {
        Result result(PQgetResult(c));
        if (!result) lose();
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_FATAL_ERROR && !error) error = error_of(result.get(), items[i]);
        if (PQstatus(c) != CONNECTION_OK) lose();
        if (i == wanted) out = std::move(result);
        while (const Result end{PQgetResult(c)}) { // a null follows each result
        }
    }
    const Result sync(PQgetResult(c));
    if (!sync || PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC) lose();
    PQexitPipelineMode(c);
    if (error) throw Error(*error);
    return out;
}

Error Database::error_of(const pg_result* result, const Item& item) {
    const std::string code(text_or_empty(PQresultErrorField(result, PG_DIAG_SQLSTATE)));
    if (item.otherwise && code == kDivisionByZero) return *item.otherwise;
    std::string cause(text_or_empty(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
    // a shutdown of the server, or an error of PgBouncer about its connection to the server
    if (code.starts_with("08") || code.starts_with("57P")) lose(std::move(cause));
    return explain(code, std::move(cause), location_);
}

void Database::run_script(const std::string& sql) {
    (void)query({"SELECT 1"}); // sends the pending data
    const Result result(PQexec(connection_.get(), sql.c_str()));
    if (PQstatus(connection_.get()) != CONNECTION_OK) lose();
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        throw Error(error_of(result.get(), {sql}));
}

/// A statement with its parameters. It leaves nothing on the server.
class Database::Use final : public sql::Prepared {
  public:
    Use(Database& database, std::string_view sql) : database_(database) {
        item_.sql = with_dollars(sql);
    }

    void reset() override {
        item_.parameters.clear();
        result_.reset();
    }
    void set(int index, std::int64_t value) override { at(index) = {std::to_string(value), true}; }
    void set(int index, std::string_view value) override {
        if (value.find('\0') != value.npos)
            throw Error(
                ErrorKind::state,
                fmt::format("a string with a null character cannot be stored in the state {}",
                            database_.name()));
        at(index) = {std::string(value), false};
    }
    bool step() override {
        if (!result_) {
            result_ = database_.query(item_);
            row_ = -1;
        }
        if (++row_ < PQntuples(result_.get())) return true;
        result_.reset();
        return false;
    }
    void run() override { database_.run(item_); }
    void run_one(const Error& otherwise) override {
        Item item = item_;
        // unless exactly one row was changed, the division fails, and the transaction with it
        item.sql = fmt::format("WITH changed AS ({} RETURNING 1) SELECT 1 / CASE count(*) WHEN 1 "
                               "THEN 1 ELSE 0 END FROM changed",
                               item_.sql);
        item.otherwise = otherwise;
        database_.run(std::move(item));
    }
    [[nodiscard]] std::int64_t integer(int column) const override {
        return std::strtoll(PQgetvalue(result_.get(), row_, column), nullptr, 10);
    }
    [[nodiscard]] std::string text(int column) const override {
        return {PQgetvalue(result_.get(), row_, column),
                static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
    }

  private:
    Parameter& at(int index) {
        const auto i = static_cast<std::size_t>(index);
        if (item_.parameters.size() < i) item_.parameters.resize(i);
        return item_.parameters[i - 1];
    }

    Database& database_;
    Item item_;
    Result result_;
    int row_ = -1;
};

std::unique_ptr<sql::Prepared> Database::prepare(std::string_view sql) {
    return std::make_unique<Use>(*this, sql);
}

} // namespace hadeploy::postgres
