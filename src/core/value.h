#pragma once

#include "core/loc.h"

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hadeploy {

class Value;

/// One entry of a map value.
struct Entry;

/// An immutable tree of data: what a spec says, what a provider saw, what the state keeps.
/// Copies share their contents. Each node knows where it was written, may be unknown until apply,
/// and may be secret. Equality looks at the contents alone: place and secrecy do not count, and
/// two unknowns are never known to be equal (so they compare unequal).
class Value {
  public:
    enum class Kind : std::uint8_t { null, unknown, boolean, integer, number, string, list, map };
    using List = std::vector<Value>;
    using Map = std::vector<Entry>; ///< sorted by key, keys unique

    Value() = default; ///< null
    Value(bool v) : data_(v) {}
    Value(int v) : data_(static_cast<std::int64_t>(v)) {}
    Value(std::int64_t v) : data_(v) {}
    Value(double v) : data_(v) {}
    Value(std::string v) : data_(std::make_shared<const std::string>(std::move(v))) {}
    Value(std::string_view v) : Value(std::string(v)) {}
    Value(const char* v) : Value(std::string(v)) {}
    Value(const void*) = delete; // or a pointer would silently become `true`

    static Value unknown();
    static Value list(List items);
    /// Sorts by key; of two entries with the same key the later one stays.
    static Value map(Map entries);
    static Value map(std::initializer_list<std::pair<std::string_view, Value>> entries);

    [[nodiscard]] Kind kind() const { return static_cast<Kind>(data_.index()); }
    [[nodiscard]] bool is_null() const { return kind() == Kind::null; }
    [[nodiscard]] bool is_unknown() const { return kind() == Kind::unknown; }
    [[nodiscard]] bool is_bool() const { return kind() == Kind::boolean; }
    [[nodiscard]] bool is_integer() const { return kind() == Kind::integer; }
    [[nodiscard]] bool is_number() const { return kind() == Kind::number || is_integer(); }
    [[nodiscard]] bool is_string() const { return kind() == Kind::string; }
    [[nodiscard]] bool is_list() const { return kind() == Kind::list; }
    [[nodiscard]] bool is_map() const { return kind() == Kind::map; }

    /// The contents; the caller has checked the kind (std::bad_variant_access otherwise).
    [[nodiscard]] bool as_bool() const { return std::get<bool>(data_); }
    [[nodiscard]] std::int64_t as_integer() const { return std::get<std::int64_t>(data_); }
    [[nodiscard]] double as_number() const; ///< of an integer too
    /// Of a temporary they are copies, so that a loop over `f().as_map()` goes over something.
    [[nodiscard]] const std::string& as_string() const&;
    [[nodiscard]] const List& as_list() const&;
    [[nodiscard]] const Map& as_map() const&;
    [[nodiscard]] std::string as_string() const&& { return as_string(); }
    [[nodiscard]] List as_list() const&&;
    [[nodiscard]] Map as_map() const&&;

    /// The entry's value, or nullptr when this is not a map or has no such key.
    [[nodiscard]] const Value* find(std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
    /// Like find, with null in the place of nothing: `config["path"].as_string()`.
    [[nodiscard]] const Value& operator[](std::string_view key) const;
    /// A copy of this map (null counts as an empty one) with one entry set or taken away.
    [[nodiscard]] Value with(std::string_view key, Value value) const;
    [[nodiscard]] Value without(std::string_view key) const;
    /// A copy with all entries of another map set; as it is, when that is no map.
    [[nodiscard]] Value with_all(const Value& other) const;

    /// The string under `key`, or `fallback` where there is none (or null).
    [[nodiscard]] std::string text(std::string_view key, std::string_view fallback = "") const;
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback = 0) const;
    [[nodiscard]] bool flag(std::string_view key, bool fallback = false) const;

    [[nodiscard]] Loc loc() const { return loc_; }
    [[nodiscard]] Value at(Loc loc) const; ///< the same contents, written elsewhere
    [[nodiscard]] bool secret() const { return secret_; }
    [[nodiscard]] Value as_secret() const;       ///< the same contents, never to be shown
    [[nodiscard]] bool contains_unknown() const; ///< here or anywhere below; O(1)
    [[nodiscard]] bool contains_secret() const;  ///< here or anywhere below; O(1)

    /// About how many bytes it takes when all that is shared within it is written out; O(1).
    [[nodiscard]] std::size_t weight() const;

    friend bool operator==(const Value& a, const Value& b);

    /// "a string", "a map", ... for messages
    [[nodiscard]] std::string_view kind_name() const;

  private:
    static Value ordered_map(Map entries); ///< whose keys are sorted and unique
    struct Unknown {
        friend bool operator==(Unknown, Unknown) { return false; }
    };
    struct ListNode;
    struct MapNode;
    std::variant<std::monostate, Unknown, bool, std::int64_t, double,
                 std::shared_ptr<const std::string>, std::shared_ptr<const ListNode>,
                 std::shared_ptr<const MapNode>>
        data_;
    Loc loc_;
    bool secret_ = false;
};

struct Entry {
    std::string key;
    Value value;
    Loc loc = {}; ///< of the key
};

inline Value::List Value::as_list() const&& {
    return as_list();
}
inline Value::Map Value::as_map() const&& {
    return as_map();
}

/// What people see: scalars as they are written, containers as compact JSON, unknowns as
/// "(known after apply)", secrets as "(secret)".
std::string display(const Value& value);

/// JSON with sorted keys, for the state and for hashing. Secrets are wrapped as {"$secret": v},
/// unknowns as {"$unknown": true}; from_json undoes both.
/// @throws Error(state) when the text is not such JSON
std::string to_json(const Value& value);
Value from_json(std::string_view text);
/// JSON for people and programs outside: secrets and unknowns are shown as display() does.
std::string to_public_json(const Value& value);
/// JSON of the contents even of secrets: for the functions of a spec, whose results are marked as
/// their arguments are. Never for what is shown or kept.
std::string to_open_json(const Value& value);

/// Every string found below a secret value, for redaction.
void collect_secrets(const Value& value, std::vector<std::string>& out);

} // namespace hadeploy
