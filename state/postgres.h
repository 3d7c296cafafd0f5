#pragma once

#include "state/location.h"
#include "state/sql.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

/// A connection to a state's schema. Changes are sent together with the next query or the commit,
/// in one round trip (libpq's pipeline mode). A query outside of a transaction is retried on a new
/// connection if the connection was lost.
class Database final : public sql::Database {
  public:
    /// @throws Error(state) when the server cannot be reached or used
    explicit Database(StateLocation location);
    ~Database() override;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    std::unique_ptr<sql::Prepared> prepare(std::string_view sql) override;
    [[nodiscard]] std::string name() const override;
    [[nodiscard]] const StateLocation& location() const { return location_; }

    /// Runs several statements without parameters in the open transaction. @throws Error(state)
    void run_script(const std::string& sql);
    /// Replaces a lost connection. @throws Error(state)
    void reconnect();

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
    };
    struct Item {
        std::string sql;
        std::vector<Parameter> parameters = {};
        std::optional<Error> otherwise = {}; ///< the error of run_one()
    };

    void connect();
    /// Connects to the first host that accepts, in the order of the URL, starting with the given
    /// one.
    /// @returns false on a timeout
    bool try_connect(std::size_t first_host);
    void check_server() const;
    [[nodiscard]] Item settings() const;
    /// Sends an item immediately or together with the next one. @throws Error(state)
    void run(Item item);
    /// @returns the rows of the item. @throws Error(state)
    Result query(const Item& item);
    /// Sends the items in one pipeline. @returns the result of the item with the index `wanted`.
    Result exchange(const std::vector<Item>& items, std::size_t wanted);
    void send(const std::vector<Item>& items);
    /// The error of a result. @throws Lost if it ends the connection
    Error error_of(const pg_result* result, const Item& item);
    /// Abandons the connection. @throws Lost
    [[noreturn]] void lose(std::string cause = "");

    StateLocation location_;
    std::unique_ptr<pg_conn, Close> connection_;
    std::vector<Item> queue_; ///< items of the open transaction that are not sent yet
    bool open_ = false;       ///< a transaction is open
    bool begun_ = false;      ///< the transaction has begun on the server
};

} // namespace hadeploy::postgres
