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

/// PostgreSQL through libpq, also behind a PgBouncer that pools transactions: nothing outlives a
/// transaction, neither settings nor prepared statements.
namespace hadeploy::postgres {

/// The connection was lost. What became of an open transaction is unknown.
class Lost : public Error {
  public:
    using Error::Error;
};

/// A connection to a state's schema. Changes are sent together with the next query or the commit,
/// in one round trip (libpq's pipeline mode). A query outside of a transaction is repeated on a new
/// connection when the connection turns out to be lost.
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
        std::optional<Error> otherwise = {}; ///< of run_one()
    };

    void connect();
    /// Connects, in the order of the URL's hosts from the given one on.
    /// @returns false when the time is over
    bool try_connect(std::size_t first_host);
    void check_server() const;
    [[nodiscard]] Item settings() const;
    /// Sends an item now or with the next one. @throws Error(state)
    void run(Item item);
    /// @returns the rows of the item. @throws Error(state)
    Result query(const Item& item);
    /// Sends the items in one pipeline. @returns the result of the one at `wanted`.
    Result exchange(const std::vector<Item>& items, std::size_t wanted);
    void send(const std::vector<Item>& items);
    /// The error of a result. @throws Lost if it ends the connection
    Error error_of(const pg_result* result, const Item& item);
    /// Gives the connection up. @throws Lost
    [[noreturn]] void lose(std::string cause = "");

    StateLocation location_;
    std::unique_ptr<pg_conn, Close> connection_;
    std::vector<Item> queue_; ///< of the open transaction, not sent yet
    bool open_ = false;       ///< in a transaction
    bool begun_ = false;      ///< and the server knows it
};

} // namespace hadeploy::postgres
