#pragma once

#include "state/location.h"
#include "state/sql.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct pg_conn;
struct pg_result;

/// PostgreSQL through libpq. Works behind a PgBouncer that pools transactions too, because no
/// setting and no prepared statement outlives a transaction.
namespace hadeploy::postgres {

/// The connection was lost. It is unknown whether an open transaction was committed.
class Lost : public Error {
  public:
    using Error::Error;
};

/// How long to wait for a lost or silent server: as long as a lease lasts (see PostgresStore).
/// After that, other processes may take over.
inline constexpr std::chrono::seconds kPatience{30};
inline constexpr std::chrono::milliseconds kPoll{100};
/// The hint when the server was lost.
inline constexpr const char* kContinue =
    "check the server and the network; then run the command again, which continues the recorded "
    "changes";

/// A connection to a state's schema. Changes are sent together with the next query or the commit,
/// in one round trip (libpq's pipeline mode). A query outside of a transaction is retried on a new
/// connection if the connection was lost, until the server has stayed away for kPatience.
class Database final : public sql::Database {
  public:
    /// @throws Error(state) when the server cannot be reached or used
    explicit Database(StateLocation location);
    ~Database() override;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    std::unique_ptr<sql::Prepared> prepare(std::string_view sql) override;
    void read_ahead(const std::vector<std::string_view>& queries,
                    const std::string& parameter) override;
    [[nodiscard]] std::string name() const override;
    [[nodiscard]] const StateLocation& location() const { return location_; }

    /// Runs several statements without parameters, like Statement::run(). They must not contain `;`
    /// or
    /// `--` in strings.
    /// @throws Error(state)
    void run_script(std::string_view sql);
    /// Replaces a lost connection. @throws Error(state)
    void reconnect();
    /// Runs `body`. Each time the connection is lost, runs `body` again on a new connection.
    /// @param body  must have the same effect if it is executed again
    /// @throws Error(unreachable) when the server has stayed away for kPatience
    void repeat_if_lost(const std::function<void()>& body);

  protected:
    void begin() override;
    void commit() override;
    void rollback() override;

  private:
    class Use;
    struct Close {
        void operator()(pg_conn* connection) const;
    };
    struct Clear {
        void operator()(pg_result* result) const;
    };
    using Result = std::unique_ptr<pg_result, Clear>;
    struct Parameter {
        std::string text;
        bool integer = false;
        bool operator==(const Parameter&) const = default;
    };
    struct Item {
        std::string sql;
        std::vector<Parameter> parameters = {};
        std::optional<Error> otherwise = {}; ///< the error of run_one()
        /// Whether the same statement on the server can execute both.
        [[nodiscard]] bool is_like(const Item& other) const;
    };

    void connect();
    /// Connects to the first host that accepts the connection. Tries the hosts in the order of the
    /// URL, starting with the given one.
    /// @returns false on a timeout
    bool try_connect(std::size_t first_host);
    void check_server() const;
    [[nodiscard]] Item settings() const;
    /// Sends an item immediately or together with the next one. @throws Error(state)
    void run(Item item);
    /// @returns the rows of the item. @throws Error(state)
    Result query(const Item& item);
    /// Reads in a separate transaction, and again if the connection was lost. @returns the results
    std::vector<Result> read(const std::vector<Item>& queries);
    /// Reads in the open transaction, after its pending items. @returns the results
    std::vector<Result> read_open(const std::vector<Item>& queries);
    /// Sends the items in one pipeline. @returns their results
    std::vector<Result> exchange(const std::vector<Item>& items);
    void send(const std::vector<Item>& items);
    /// Like PQgetResult(), but does not wait forever for a server that hangs. @throws Lost
    Result next_result();
    /// The error of a result. @throws Lost if it ends the connection
    Error error_of(const pg_result* result, const Item& item);
    /// Abandons the connection. @throws Lost
    [[noreturn]] void lose(std::string cause = "");

    StateLocation location_;
    std::unique_ptr<pg_conn, Close> connection_;
    std::vector<Item> queue_; ///< items of the open transaction that are not sent yet
    std::vector<std::pair<Item, Result>> ahead_; ///< results of read_ahead() that are not used yet
    bool open_ = false;                          ///< a transaction is open
    bool begun_ = false;                         ///< the transaction has begun on the server
};

} // namespace hadeploy::postgres
