#include "state/postgres.h"

#include "core/text.h"
#include "state/libpq.h"
#include "state/postgres_errors.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <thread>
#include <utility>

namespace hadeploy::postgres {

namespace {
// Type IDs from pg_type.dat. The server infers the type of a string from its use.
constexpr Oid kInt8 = 20, kInferred = 0;
// The oldest supported release of PostgreSQL when this was written was 13.
constexpr int kOldestServer = 120'000;
constexpr std::string_view kDivisionByZero = "22012";

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

/// The statements of a script, without its comments.
std::vector<std::string> statements_of(std::string_view script) {
    std::vector<std::string> out(1);
    for (std::size_t i = 0; i < script.size(); ++i) {
        if (script.substr(i, 2) == "--")
            i = std::min(script.find('\n', i), script.size()) - 1;
        else if (script[i] == ';')
            out.emplace_back();
        else
            out.back() += script[i];
    }
    std::erase_if(out, [](const std::string& statement) {
        return statement.find_first_not_of(" \n") == statement.npos;
    });
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
    ahead_.clear();
    open_ = begun_ = false;
    connect();
}

void Database::repeat_if_lost(const std::function<void()>& body) {
    std::optional<std::chrono::steady_clock::time_point> deadline;
    for (;; std::this_thread::sleep_for(kPoll)) {
        try {
            if (!connection_) reconnect();
            return body();
        } catch (const Error& error) {
            if (error.kind != ErrorKind::unreachable) throw;
            const auto now = std::chrono::steady_clock::now();
            if (!deadline) deadline = now + kPatience;
            if (now >= *deadline) throw;
        }
    }
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
    ahead_.clear();
    queue_ = {{"BEGIN ISOLATION LEVEL READ COMMITTED"}, settings()};
    open_ = true;
    begun_ = false;
}

void Database::commit() {
    ahead_.clear();
    queue_.push_back({"COMMIT"});
    const std::vector<Item> items = std::exchange(queue_, {});
    begun_ = true;
    (void)exchange(items);
    open_ = begun_ = false;
}

void Database::rollback() {
    queue_.clear();
    ahead_.clear();
    open_ = false;
    if (!std::exchange(begun_, false) || !connection_) return;
    try {
        (void)exchange({{"ROLLBACK"}});
    } catch (const Error&) {
        connection_.reset(); // which rolls back
    }
}

void Database::run(Item item) {
    ahead_.clear(); // may depend on what this changes
    if (open_)
        queue_.push_back(std::move(item));
    else
        (void)query(item);
}

Database::Result Database::query(const Item& item) {
    const auto known = std::find_if(ahead_.begin(), ahead_.end(), [&](const auto& entry) {
        return entry.first.sql == item.sql && entry.first.parameters == item.parameters;
    });
    if (known != ahead_.end()) {
        Result out = std::move(known->second);
        ahead_.erase(known);
        return out;
    }
    ahead_.clear(); // the rest may be old when it is asked for
    return std::move(open_ ? read_open({item}).front() : read({item}).front());
}

std::vector<Database::Result> Database::read_open(const std::vector<Item>& queries) {
    std::vector<Item> items = std::exchange(queue_, {});
    const auto sent = static_cast<std::ptrdiff_t>(items.size());
    items.insert(items.end(), queries.begin(), queries.end());
    begun_ = true;
    std::vector<Result> out = exchange(items);
    out.erase(out.begin(), out.begin() + sent);
    return out;
}

std::vector<Database::Result> Database::read(const std::vector<Item>& queries) {
    std::vector<Item> items{{"BEGIN"}, settings()};
    items.insert(items.end(), queries.begin(), queries.end());
    items.push_back({"COMMIT"});
    std::vector<Result> out;
    repeat_if_lost([&] {
        try {
            out = exchange(items);
        } catch (const Error&) {
            begun_ = true;
            rollback();
            throw;
        }
    });
    out.erase(out.begin(), out.begin() + 2);
    out.pop_back();
    return out;
}

void Database::read_ahead(const std::vector<std::string_view>& queries,
                          const std::string& parameter) {
    std::vector<Item> items;
    for (const std::string_view query : queries) {
        Item item{with_dollars(query)};
        if (query.find('?') != query.npos) item.parameters.push_back({parameter});
        items.push_back(std::move(item));
    }
    try {
        std::vector<Result> results = open_ ? read_open(items) : read(items);
        for (std::size_t i = 0; i < items.size(); ++i)
            ahead_.emplace_back(std::move(items[i]), std::move(results[i]));
    } catch (const Error& error) {
        if (open_ || error.kind == ErrorKind::unreachable) throw;
        // the queries themselves find and report any other error
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
    const Item* parsed = nullptr; // the server's unnamed statement
    std::vector<Oid> types;
    for (const Item& item : items) {
        std::vector<const char*> values;
        for (const Parameter& p : item.parameters) values.push_back(p.text.c_str());
        const int count = static_cast<int>(values.size());
        int sent = 0;
        if (parsed && item.is_like(*parsed)) {
            sent = PQsendQueryPrepared(c, "", count, values.data(), nullptr, nullptr, 0);
        } else {
            types.clear();
            for (const Parameter& p : item.parameters)
                types.push_back(p.integer ? kInt8 : kInferred);
            sent = PQsendQueryParams(c, item.sql.c_str(), count, types.data(), values.data(),
                                     nullptr, nullptr, 0);
        }
        if (sent != 1) lose();
        parsed = &item;
    }
    if (PQpipelineSync(c) != 1) lose();
}

bool Database::Item::is_like(const Item& other) const {
    return sql == other.sql &&
           std::equal(parameters.begin(), parameters.end(), other.parameters.begin(),
                      other.parameters.end(), [](const Parameter& a, const Parameter& b) {
                          return a.integer == b.integer;
                      });
}

Database::Result Database::next_result() {
    pg_conn* const c = connection_.get();
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (PQisBusy(c) == 1) {
        if (!wait_for(c, PGRES_POLLING_READING, deadline))
            lose(fmt::format("no answer for {} s", kPatience.count()));
        if (PQconsumeInput(c) != 1) break; // PQgetResult() finds the error
    }
    return Result(PQgetResult(c));
}

std::vector<Database::Result> Database::exchange(const std::vector<Item>& items) {
    if (!connection_) connect();
    pg_conn* const c = connection_.get();
    send(items);
    std::vector<Result> out;
    std::optional<Error> error;
    for (const Item& item : items) {
        Result result = next_result();
        if (!result) lose();
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_FATAL_ERROR && !error) error = error_of(result.get(), item);
        if (PQstatus(c) != CONNECTION_OK) lose();
        out.push_back(std::move(result));
        while (const Result end = next_result()) { // a null follows each result
        }
    }
    const Result sync = next_result();
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

void Database::run_script(std::string_view sql) {
    for (std::string& statement : statements_of(sql)) run({std::move(statement)});
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
