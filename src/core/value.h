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
    Value(bool v) : data_{.integer = v ? 1 : 0}, kind_(Kind::boolean) {}
    Value(int v) : Value(static_cast<std::int64_t>(v)) {}
    Value(std::int64_t v) : data_{.integer = v}, kind_(Kind::integer) {}
    Value(double v) : data_{.number = v}, kind_(Kind::number) {}
    Value(std::string v);
    Value(std::string_view v) : Value(std::string(v)) {}
    Value(const char* v) : Value(std::string(v)) {}
    Value(const void*) = delete; // or a pointer would silently become `true`

    Value(const Value& other) noexcept
        : data_(other.data_), loc_(other.loc_), kind_(other.kind_), secret_(other.secret_) {
        if (is_shared()) data_.shared->owners.fetch_add(1, std::memory_order_relaxed);
    }
    /// Leaves null behind.
    Value(Value&& other) noexcept
        : data_(other.data_), loc_(other.loc_), kind_(other.kind_), secret_(other.secret_) {
        other.kind_ = Kind::null;
    }
    Value& operator=(Value other) noexcept {
        std::swap(data_, other.data_);
        std::swap(loc_, other.loc_);
        std::swap(kind_, other.kind_);
        std::swap(secret_, other.secret_);
        return *this;
    }
    ~Value() {
        if (is_shared()) let_go();
    }

    static Value unknown();
    static Value list(List items);
    /// Sorts by key; of two entries with the same key the later one stays.
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

    /// The contents; the caller has checked the kind (std::logic_error otherwise).
    [[nodiscard]] bool as_bool() const;
    [[nodiscard]] std::int64_t as_integer() const;
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
    [[nodiscard]] std::string text(std::string_view key, std::string_view default_value = "") const;
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t default_value = 0) const;
    [[nodiscard]] bool flag(std::string_view key, bool default_value = false) const;

    [[nodiscard]] Loc loc() const { return loc_; }
    [[nodiscard]] Value at(Loc loc) const; ///< the same contents, written elsewhere
    [[nodiscard]] bool secret() const { return secret_; }
    [[nodiscard]] Value as_secret() const;       ///< the same contents, never to be shown
    [[nodiscard]] Value as_open() const;         ///< without the mark here; those below stay
    [[nodiscard]] bool contains_unknown() const; ///< here or anywhere below; O(1)
    [[nodiscard]] bool contains_secret() const;  ///< here or anywhere below; O(1)

    /// About how many bytes it takes when all that is shared within it is written out; O(1).
    [[nodiscard]] std::size_t weight() const;

    friend bool operator==(const Value& a, const Value& b);
    /// Whether both are known, equal, as secret as each other, and share what they contain, so that
    /// no walk through it is needed: what follows from the one follows from the other. O(1), but
    /// for a string's length. False is no answer.
    [[nodiscard]] bool is_same(const Value& other) const;

    /// "a string", "a map", ... for messages
    [[nodiscard]] std::string_view kind_name() const;

  private:
    /// What copies have in common: a string or a container, and how many they are.
    struct Shared {
        mutable std::atomic<std::uint32_t> owners = 1;
    };
    struct String;
    struct Container;
    struct ListNode;
    struct MapNode;
    union Data {
        std::int64_t integer; ///< of a boolean 0 or 1
        double number;
        const Shared* shared;
    };

    static Value ordered_map(Map entries); ///< whose keys are sorted and unique
    static Value of(Kind kind, const Shared* contents);
    [[nodiscard]] bool is_shared() const { return kind_ >= Kind::string; }
    template<class Node>
    [[nodiscard]] const Node& contents(Kind kind) const;
    [[nodiscard]] const Container* container() const; ///< nullptr for what is no list and no map
    void let_go() noexcept;

    Data data_ = {.integer = 0};
    Loc loc_;
    Kind kind_ = Kind::null; // after what is wider: a state has many of these
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
