#pragma once

#include "common/rpc.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct sqlite3;

namespace hadeploy::svc {

/// SQLite failed. What was not committed is not there.
class StoreError : public std::runtime_error {
  public:
    StoreError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
    /// Another process, or a dead one whose lock the file system still keeps, has the file.
    bool is_locked() const;
    /// The file system is full: nothing is broken, writes work again when there is room.
    bool is_full() const;
    /// Reading or writing the file failed; it may be well when it is opened anew.
    bool is_input_output() const;

  private:
    int code_;
};

/// One accepted write. `total` is the entity's quantity right after it.
struct Write {
    std::int64_t seq = 0; ///< 1, 2, 3, … in the order of commitment, without gaps
    std::string id;
    std::string name;
    std::int64_t quantity = 0;
    std::string action; ///< "created" or "incremented"
    std::int64_t total = 0;
    std::string at;   ///< UTC
    std::string node; ///< where the database ran
};

struct Entity {
    std::string name;
    std::int64_t quantity = 0;
    std::string changed_at;
};

/// The entities and every write that made them, in one SQLite file that this process alone
/// holds locked. Not thread-safe. The table of writes is at once the record of ids (a repeated
/// id changes nothing) and the outbox for the logger.
class Store {
  public:
    /// Waits up to a second for the lock; throws StoreError (is_locked) when that is not enough.
    Store(const std::string& directory, std::string node);

    void begin();
    void commit();
    void rollback() noexcept;

    struct PutResult {
        Write write;
        bool is_replay;
    };
    /// Creates the entity or adds to it. Throws RpcError: "conflict" for an id that was used for
    /// another write, "overflow" for a total that no JSON number can hold exactly.
    PutResult put(const std::string& id, const std::string& name, std::int64_t quantity);

    std::optional<Write> find_write(const std::string& id);
    std::optional<Entity> find_entity(const std::string& name);
    /// In the order of names, those after `after`.
    std::vector<Entity> entities(const std::string& after, std::int64_t limit);
    std::int64_t entity_count();
    std::vector<Write> writes_after(std::int64_t seq, std::int64_t limit);
    std::int64_t last_seq();
    /// "ok", or SQLite's account of the damage.
    std::string check();

  private:
    class Statement;
    struct Close {
        void operator()(sqlite3* handle) const;
    };

    void execute(const char* sql);
    std::int64_t schema_version();
    void create_tables();

    std::string node_;
    std::unique_ptr<sqlite3, Close> db_;
};

} // namespace hadeploy::svc
