#pragma once

#include "state/digest.h"
#include "state/records.h"

#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace hadeploy::state {

/// The keys of all records and intents. The lock holder keeps them in memory, and updates them with
/// each of its changes. No other process can change them while this process holds the lock, so the
/// digests follow each change without a query, which would be a round trip to the server.
///
/// A change is provisional until keep(): as long as its transaction can fail, undo() reverts it.
class Ledger {
  public:
    /// Reads the keys. All arguments must outlive the ledger.
    Ledger(sql::Database& database, const Cipher& cipher, const Form& form);

    [[nodiscard]] const Digests& digests() const { return digests_; }
    [[nodiscard]] bool has_changes() const { return !before_.empty(); }
    void keep() { before_.clear(); }
    void undo();

    /// Writes a record, replacing the one at its address.
    void write(const RecordedResource& row);
    void write(const Intent& intent);
    /// Removes the record of an address, if there is one and its generation is not newer than
    /// `newest`.
    void remove(const std::string& address, std::optional<std::int64_t> newest = {});
    /// Removes an intent. @throws Error(state) when there is none with this ID
    void remove_intent(std::int64_t id);
    /// The key of an open intent. @throws Error(state) when there is none with this ID
    [[nodiscard]] const IntentKey& intent(std::int64_t id) const;
    /// Removes the intents of an address for which `settled` is true.
    void settle(const std::string& address, const std::function<bool(const IntentKey&)>& settled);
    void settle_all();
    void remove_all();

  private:
    struct Record {
        std::int64_t generation;
        Digest digest;
    };
    struct Open {
        IntentKey key;
        Digest digest;
    };
    using RecordBefore = std::pair<std::string, std::optional<Record>>;
    using IntentBefore = std::pair<std::int64_t, std::optional<Open>>;

    /// Sets or removes an entry. @returns the entry before that
    std::optional<Record> set(const std::string& address, std::optional<Record> record);
    std::optional<Open> set(std::int64_t id, std::optional<Open> open);
    void change(const std::string& address, std::optional<Record> record);
    void change(std::int64_t id, std::optional<Open> open);

    sql::Database& database_;
    const Cipher& cipher_;
    RowWriter row_writer_;
    IntentWriter intent_writer_;
    sql::Statement remove_row_, remove_intent_;
    Digests digests_;
    std::unordered_map<std::string, Record> records_;
    std::unordered_map<std::int64_t, Open> intents_;
    std::set<std::pair<std::string, std::int64_t>> places_; ///< addresses and ids of the intents
    std::vector<std::variant<RecordBefore, IntentBefore>> before_; ///< the changes, to undo them
};

} // namespace hadeploy::state
