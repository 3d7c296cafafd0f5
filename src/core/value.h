#pragma once

#include "core/loc.h"

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hadeploy {

class Value;

/// One entry of a map value.
struct Entry;

/// An immutable tree of data from a spec, a provider or the state. Copies share their contents.
/// Each node has its location in the source, can be unknown until apply, and can be secret.
/// Equality compares only contents, not locations or secrecy. Unknown values compare unequal,
/// because their contents could differ.
class Value {
  public:
    enum class Kind : std::uint8_t { null, unknown, boolean, integer, number, string, list, map };
    using List = std::vector<Value>;
    using Map = std::vector<Entry>; ///< sorted by key; keys are unique

    Value() = default; ///< null
    Value(bool v) : data_{.integer = v ? 1 : 0}, kind_(Kind::boolean) {}
    Value(int v) : Value(static_cast<std::int64_t>(v)) {}
    Value(std::int64_t v) : data_{.integer = v}, kind_(Kind::integer) {}
    Value(double v) : data_{.number = v}, kind_(Kind::number) {}
    Value(std::string v);
    Value(std::string_view v) : Value(std::string(v)) {}
    Value(const char* v) : Value(std::string(v)) {}
    Value(const void*) = delete; // otherwise a pointer would convert to `true`

    Value(const Value& other) noexcept
        : data_(other.data_), loc_(other.loc_), kind_(other.kind_), secret_(other.secret_),
          measured_(other.measured_) {
        if (is_shared()) data_.shared->owners.fetch_add(1, std::memory_order_relaxed);
    }
    /// Leaves `other` null.
    Value(Value&& other) noexcept
        : data_(other.data_), loc_(other.loc_), kind_(other.kind_), secret_(other.secret_),
          measured_(other.measured_) {
        other.kind_ = Kind::null;
    }
    Value& operator=(Value other) noexcept {
        std::swap(data_, other.data_);
        std::swap(loc_, other.loc_);
        std::swap(kind_, other.kind_);
        std::swap(secret_, other.secret_);
        std::swap(measured_, other.measured_);
        return *this;
    }
    ~Value() {
        if (is_shared()) release();
    }

    static Value unknown();
    static Value list(List items);
    /// Sorts by key; of several entries with the same key, keeps the last one.
    static Value map(Map entries);
    static Value map(std::initializer_list<std::pair<std::string_view, Value>> entries);

    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] bool is_null() const { return kind() == Kind::null; }
    [[nodiscard]] bool is_unknown() const { return kind() == Kind::unknown; }
    [[nodiscard]] bool is_bool() const { return kind() == Kind::boolean; }
    [[nodiscard]] bool is_integer() const { return kind() == Kind::integer; }
    [[nodiscard]] bool is_number() const { return kind() == Kind::number || is_integer(); }
    [[nodiscard]] bool is_string() const { return kind() == Kind::string; }
    [[nodiscard]] bool is_list() const { return kind() == Kind::list; }
    [[nodiscard]] bool is_map() const { return kind() == Kind::map; }

    /// The contents.
    /// @throws std::logic_error if the value has a different kind; the caller must have checked it
    [[nodiscard]] bool as_bool() const;
    [[nodiscard]] std::int64_t as_integer() const;
    [[nodiscard]] double as_number() const; ///< of an integer too
    /// Called on a temporary, these functions return copies, so that a loop over `f().as_map()` is
    /// valid.
    [[nodiscard]] const std::string& as_string() const&;
    [[nodiscard]] const List& as_list() const&;
    [[nodiscard]] const Map& as_map() const&;
    [[nodiscard]] std::string as_string() const&& { return as_string(); }
    [[nodiscard]] List as_list() const&&;
    [[nodiscard]] Map as_map() const&&;

    /// The entry's value, or nullptr when this is not a map or has no such key.
    [[nodiscard]] const Value* find(std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
    /// Like find(), but returns null for a missing entry: `config["path"].as_string()`.
    [[nodiscard]] const Value& operator[](std::string_view key) const;
    /// Copies of this map with one entry set or removed; null counts as an empty map.
    [[nodiscard]] Value with(std::string_view key, Value value) const;
    [[nodiscard]] Value without(std::string_view key) const;
    /// A copy with all entries of `other` set; unchanged when `other` is not a map.
    [[nodiscard]] Value with_all(const Value& other) const;

    /// The string, integer or boolean under `key`, or `default_value` when there is none.
    [[nodiscard]] std::string text(std::string_view key, std::string_view default_value = "") const;
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t default_value = 0) const;
    [[nodiscard]] bool flag(std::string_view key, bool default_value = false) const;

    [[nodiscard]] Loc loc() const { return loc_; }
    [[nodiscard]] Value at(Loc loc) const; ///< the same contents with a different location
    [[nodiscard]] bool secret() const { return secret_; }
    [[nodiscard]] Value as_secret() const; ///< the same contents, marked as secret
    [[nodiscard]] Value as_open() const;   ///< without the mark; values below keep their marks
    /// The secrets of which a secret string was composed, for example "ab12" in "key=ab12". A
    /// command can print such a part without the rest. Empty for other values. The state does not
    /// record them.
    [[nodiscard]] const List& secret_parts() const;
    /// This string with these secret parts.
    [[nodiscard]] Value with_secret_parts(List parts) const;
    /// Whether an integer was written with a unit, like 500 in "500ms".
    [[nodiscard]] bool measured() const { return measured_; }
    [[nodiscard]] Value as_measured() const; ///< the same integer, marked as written with a unit
    [[nodiscard]] bool contains_unknown() const; ///< here or anywhere below; O(1)
    [[nodiscard]] bool contains_secret() const;  ///< here or anywhere below; O(1)

    /// The approximate size in bytes, counting shared contents at each occurrence; O(1).
    [[nodiscard]] std::size_t weight() const;

    friend bool operator==(const Value& a, const Value& b);
    /// Whether both values are known, equal, equally secret and share their contents, so that a
    /// result that was computed for one of them is valid for the other. O(1), except for comparing
    /// strings. False does not mean that they differ.
    [[nodiscard]] bool is_same(const Value& other) const;

    /// "a string", "a map", ... for messages.
    [[nodiscard]] std::string_view kind_name() const;

  private:
    /// A string or container that copies share, with the number of copies.
    struct Shared {
        mutable std::atomic<std::uint32_t> owners = 1;
    };
    struct String;
    struct Composed;
    struct Container;
    struct ListNode;
    struct MapNode;
    union Data {
        std::int64_t integer; ///< a boolean is 0 or 1
        double number;
        const Shared* shared;
    };

    static Value ordered_map(Map entries); ///< keys must be sorted and unique
    static Value of(Kind kind, const Shared* contents);
    [[nodiscard]] bool is_shared() const { return kind_ >= Kind::string; }
    template<class Node>
    [[nodiscard]] const Node& contents(Kind kind) const;
    [[nodiscard]] const Container* container() const; ///< nullptr unless a list or a map
    void release() noexcept;

    Data data_ = {.integer = 0};
    Loc loc_;
    Kind kind_ = Kind::null; // after the wider members, to avoid padding
    bool secret_ = false;
    bool measured_ = false;
};

struct Entry {
    std::string key;
    Value value;
    Loc loc = {}; ///< location of the key
};

inline Value::List Value::as_list() const&& {
    return as_list();
}
inline Value::Map Value::as_map() const&& {
    return as_map();
}

/// Formats a value for people: scalars as text, containers as compact JSON, unknown values as
/// "(known after apply)", secrets as "(secret)".
std::string display(const Value& value);

/// Appends every non-empty string in or below a secret value, and its secret parts, for redaction.
void collect_secrets(const Value& value, std::vector<std::string>& out);

} // namespace hadeploy
