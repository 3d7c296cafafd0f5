#pragma once

#include "common/rpc.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct sqlite3;

namespace hadeploy::svc {

/// An SQLite error. Nothing uncommitted was stored.
class StoreError : public std::runtime_error {
  public:
    StoreError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
    /// The file is open, but another process may own it by now. Counts as is_input_output().
    static StoreError lost_lock();
    /// Another process holds the file, or the file system still keeps the lock of a dead one.
    bool is_locked() const;
    /// The file system is full; writes work again once there is space.
    bool is_full() const;
    /// Reading or writing the file failed; reopening it may help.
    bool is_input_output() const;

  private:
    int code_;
};

/// One accepted write. `total` is the entity's quantity after it.
struct Write {
    std::int64_t seq = 0; ///< 1, 2, 3, … in commit order, without gaps
    std::string id;
    std::string name;
    std::int64_t quantity = 0;
    std::string action; ///< "created" or "incremented"
    std::int64_t total = 0;
    std::string at;   ///< UTC
    std::string node; ///< node of the database
};

struct Entity {
    std::string name;
    std::int64_t quantity = 0;
    std::string changed_at;
};

/// The entities and their writes, in one SQLite file that this process locks exclusively. Not
/// thread-safe. The table of writes is also the record of IDs (a repeated ID changes nothing) and
/// the outbox for the logger.
class Store {
  public:
    /// Waits up to a second for the lock; then throws StoreError (is_locked).
    Store(const std::string& directory, std::string node);

    void begin();
    void commit();
    void rollback() noexcept;

    struct PutResult {
        Write write;
        bool is_replay;
    };
    /// Creates the entity or adds to it. Throws RpcError: "conflict" for the ID of another write,
    /// "overflow" for a total that JSON numbers cannot represent exactly.
    PutResult put(const std::string& id, const std::string& name, std::int64_t quantity);

    std::optional<Write> find_write(const std::string& id);
    std::optional<Entity> find_entity(const std::string& name);
    /// The entities after the name `after`, ordered by name.
    std::vector<Entity> entities(const std::string& after, std::int64_t limit);
    std::int64_t entity_count();
    std::vector<Write> writes_after(std::int64_t seq, std::int64_t limit);
    /// The writes whose ID begins with `prefix`, which must not be empty.
    std::vector<Write> writes_after(std::int64_t seq, std::int64_t limit,
                                    const std::string& prefix);
    std::int64_t last_seq();
    /// "ok", or SQLite's description of the damage.
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
