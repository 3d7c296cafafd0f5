#pragma once

#include "core/error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The interface of the databases that can hold a state: SQLite and PostgreSQL. Both databases
/// understand all SQL that is passed to this interface.
namespace hadeploy::sql {

/// A statement as implemented for one kind of database: see Statement.
class Prepared {
  public:
    virtual ~Prepared() = default;
    virtual void reset() = 0;
    virtual void set(int index, std::int64_t value) = 0; ///< the first parameter has index 1
    virtual void set(int index, std::string_view value) = 0;
    virtual bool step() = 0;
    virtual void run() = 0;
    virtual void run_one(const Error& otherwise) = 0;
    [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
    [[nodiscard]] virtual std::string text(int column) const = 0;
};

/// A connection. Not thread-safe: threads that share it must use a mutex.
class Database {
  public:
    virtual ~Database() = default;
    /// @param sql  statement with parameters written as `?`, or as `?1`, `?2`
    /// @throws Error(state)
    virtual std::unique_ptr<Prepared> prepare(std::string_view sql) = 0;
    /// Runs queries in one round trip to a server. The next query with the same text and parameter
    /// gets the result, unless another statement comes before. Without effect if one of them fails,
    /// except in a transaction, which fails.
    /// @param parameter  of the queries that contain a `?`
    /// @throws Error(unreachable); in a transaction, any error of the queries
    virtual void read_ahead(const std::vector<std::string_view>& /*queries*/,
                            const std::string& /*parameter*/) {}
    /// The location of the state in quotes, for messages.
    [[nodiscard]] virtual std::string name() const = 0;

  protected:
    friend class Transaction;
    virtual void begin() = 0;
    virtual void commit() = 0;
    /// Discards the changes of an open transaction. Throws nothing.
    virtual void rollback() = 0;
};

/// A statement with its parameters and the rows of its result. bind() resets it, so that it can be
/// used in a loop.
class Statement {
  public:
    /// @throws Error(state)
    Statement(Database& database, std::string_view sql) : prepared_(database.prepare(sql)) {}

    /// Sets all parameters, in order.
    template<class... Values>
    Statement& bind(const Values&... values) {
        prepared_->reset();
        int index = 0;
        (prepared_->set(++index, values), ...);
        return *this;
    }
    Statement& bind_all(const std::vector<std::string>& values) {
        prepared_->reset();
        int index = 0;
        for (const std::string& value : values) prepared_->set(++index, std::string_view(value));
        return *this;
    }
    /// Advances to the next row; false after the last one. @throws Error(state)
    bool step() { return prepared_->step(); }
    /// Runs a statement without result rows. In a transaction its error may be thrown later, but no
    /// later than by Transaction::commit(), so that many statements take one round trip.
    /// @throws Error(state)
    void run() { prepared_->run(); }
    /// Runs an INSERT, UPDATE or DELETE that has to change exactly one row. `otherwise` is the
    /// error if it does not.
    void run_one(const Error& otherwise) { prepared_->run_one(otherwise); }
    [[nodiscard]] std::int64_t integer(int column) const { return prepared_->integer(column); }
    [[nodiscard]] std::string text(int column) const { return prepared_->text(column); }

  private:
    std::unique_ptr<Prepared> prepared_;
};

/// A write transaction. Rolled back unless committed.
class Transaction {
  public:
    explicit Transaction(Database& database) : database_(database) { database_.begin(); }
    ~Transaction() {
        if (open_) database_.rollback();
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    /// @throws Error(state), in which case nothing is written
    void commit() {
        database_.commit();
        open_ = false;
    }

  private:
    Database& database_;
    bool open_ = true;
};

} // namespace hadeploy::sql
