#include "state/ledger.h"

#include "core/error.h"

#include <fmt/format.h>
#include <limits>

namespace hadeploy::state {

using sql::Statement;

namespace {
/// Sets or removes an entry of a map and its summand of a digest. @returns the previous entry
template<class Map, class Key, class Entry>
std::optional<Entry> exchange_entry(Map& map, Digest& sum, const Key& key,
                                    std::optional<Entry> entry) {
    if (entry) sum += entry->digest;
    const auto it = map.find(key);
    if (it == map.end()) {
        if (entry) map.emplace(key, std::move(*entry));
        return std::nullopt;
    }
    sum -= it->second.digest;
    std::optional<Entry> before(std::move(it->second));
    if (entry)
        it->second = std::move(*entry);
    else
        map.erase(it);
    return before;
}
} // namespace

Ledger::Ledger(sql::Database& database, const Cipher& cipher, const Form& form)
    : database_(database), cipher_(cipher), row_writer_(database, cipher, form),
      intent_writer_(database, cipher, form),
      remove_row_(database, "DELETE FROM resources WHERE address = ?"),
      remove_intent_(database, "DELETE FROM intents WHERE id = ?") {
    each_key(
        database,
        [&](const RecordKey& key) {
            set(key.address, Record{key.generation, digest_of(cipher, key)});
        },
        [&](const IntentKey& key) {
            set(key.id, Open{key, digest_of(cipher, key)});
        });
}

std::optional<Ledger::Record> Ledger::set(const std::string& address,
                                          std::optional<Record> record) {
    return exchange_entry(records_, digests_.records, address, std::move(record));
}

std::optional<Ledger::Open> Ledger::set(std::int64_t id, std::optional<Open> open) {
    if (open) places_.emplace(open->key.address, id);
    auto before = exchange_entry(intents_, digests_.intents, id, std::move(open));
    if (before && !intents_.contains(id)) places_.erase({before->key.address, id});
    return before;
}

void Ledger::change(const std::string& address, std::optional<Record> record) {
    before_.emplace_back(RecordBefore{address, set(address, std::move(record))});
}

void Ledger::change(std::int64_t id, std::optional<Open> open) {
    before_.emplace_back(IntentBefore{id, set(id, std::move(open))});
}

void Ledger::undo() {
    for (; !before_.empty(); before_.pop_back())
        std::visit([this](auto& entry) { set(entry.first, std::move(entry.second)); },
                   before_.back());
}

void Ledger::write(const RecordedResource& row) {
    const RecordKey key = row_writer_.write(row);
    change(key.address, Record{key.generation, digest_of(cipher_, key)});
}

void Ledger::write(const Intent& intent) {
    IntentKey key = intent_writer_.write(intent);
    const Digest digest = digest_of(cipher_, key);
    change(intent.id, Open{std::move(key), digest});
}

void Ledger::remove(const std::string& address, std::optional<std::int64_t> newest) {
    const auto it = records_.find(address);
    if (it == records_.end() || (newest && it->second.generation > *newest)) return;
    remove_row_.bind(address).run();
    change(address, {});
}

const IntentKey& Ledger::intent(std::int64_t id) const {
    const auto it = intents_.find(id);
    if (it == intents_.end())
        throw Error(ErrorKind::state,
                    fmt::format("the journal of {} has no intent {}", database_.name(), id));
    return it->second.key;
}

void Ledger::remove_intent(std::int64_t id) {
    (void)intent(id);
    remove_intent_.bind(id).run();
    change(id, {});
}

void Ledger::settle(const std::string& address,
                    const std::function<bool(const IntentKey&)>& settled) {
    std::vector<std::int64_t> ids;
    for (auto it = places_.lower_bound({address, std::numeric_limits<std::int64_t>::min()});
         it != places_.end() && it->first == address; ++it)
        if (settled(intents_.at(it->second).key)) ids.push_back(it->second);
    for (const std::int64_t id : ids) remove_intent(id);
}

void Ledger::settle_all() {
    Statement(database_, "DELETE FROM intents").run();
    while (!intents_.empty()) change(intents_.begin()->first, {});
}

void Ledger::remove_all() {
    settle_all();
    Statement(database_, "DELETE FROM resources").run();
    while (!records_.empty()) {
        const std::string address = records_.begin()->first;
        change(address, {});
    }
}

} // namespace hadeploy::state
