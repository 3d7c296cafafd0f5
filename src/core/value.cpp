#include "core/value.h"

#include "core/error.h"
#include "core/value_json.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace hadeploy {

struct Value::String : Shared {
    explicit String(std::string t, bool has_parts = false)
        : composed(has_parts), text(std::move(t)) {}
    const bool composed; ///< whether the node is a Composed
    const std::string text;
};

struct Value::Composed : String {
    Composed(std::string t, List p) : String(std::move(t), true), parts(std::move(p)) {}
    const List parts;
};

/// Properties of all values below a node, cached because they are queried often.
struct Value::Container : Shared {
    bool unknown = false;
    bool secret = false;
    std::size_t weight = 0;

    void see(const Value& v) {
        constexpr std::size_t kMost = std::size_t{1} << 62; // prevents overflow
        weight = std::min(kMost, weight + v.weight());
        unknown = unknown || v.contains_unknown();
        secret = secret || v.contains_secret();
    }
};

struct Value::ListNode : Container {
    explicit ListNode(List all) : items(std::move(all)) {
        for (const Value& item : items) see(item);
    }
    const List items;
};

struct Value::MapNode : Container {
    explicit MapNode(Map all) : entries(std::move(all)) {
        for (const Entry& e : entries) {
            see(e.value);
            weight += e.key.size();
        }
    }
    const Map entries;
};

Value Value::of(Kind kind, const Shared* contents) {
    Value v;
    v.data_.shared = contents;
    v.kind_ = kind;
    return v;
}

void Value::release() noexcept {
    if (data_.shared->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    switch (kind_) {
    case Kind::string:
        if (const auto* s = static_cast<const String*>(data_.shared); s->composed)
            delete static_cast<const Composed*>(s);
        else
            delete s;
        break;
    case Kind::list: delete static_cast<const ListNode*>(data_.shared); break;
    case Kind::map: delete static_cast<const MapNode*>(data_.shared); break;
    default: break;
    }
}

template<class Node>
const Node& Value::contents(Kind kind) const {
    if (kind_ != kind) throw std::logic_error("the value has a different kind");
    return static_cast<const Node&>(*data_.shared);
}

const Value::Container* Value::container() const {
    return is_list() || is_map() ? static_cast<const Container*>(data_.shared) : nullptr;
}

Value::Value(std::string v) {
    data_.shared = new String(std::move(v));
    kind_ = Kind::string;
}

Value Value::unknown() {
    Value v;
    v.kind_ = Kind::unknown;
    return v;
}

Value Value::list(List items) {
    return of(Kind::list, new ListNode(std::move(items)));
}

Value Value::map(Map entries) {
    const auto not_in_order = [](const Entry& a, const Entry& b) { return !(a.key < b.key); };
    if (std::adjacent_find(entries.begin(), entries.end(), not_in_order) == entries.end())
        return ordered_map(std::move(entries));
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.key < b.key; });
    Map unique;
    unique.reserve(entries.size());
    for (Entry& e : entries) {
        if (!unique.empty() && unique.back().key == e.key)
            unique.back() = std::move(e);
        else
            unique.push_back(std::move(e));
    }
    return ordered_map(std::move(unique));
}

Value Value::ordered_map(Map entries) {
    return of(Kind::map, new MapNode(std::move(entries)));
}

Value Value::map(std::initializer_list<std::pair<std::string_view, Value>> entries) {
    Map all;
    all.reserve(entries.size());
    for (const auto& [key, value] : entries) all.push_back({std::string(key), value});
    return map(std::move(all));
}

bool Value::as_bool() const {
    if (kind_ != Kind::boolean) throw std::logic_error("the value is not a boolean");
    return data_.integer != 0;
}

std::int64_t Value::as_integer() const {
    if (kind_ != Kind::integer) throw std::logic_error("the value is not an integer");
    return data_.integer;
}

double Value::as_number() const {
    if (is_integer()) return static_cast<double>(data_.integer);
    if (kind_ != Kind::number) throw std::logic_error("the value is not a number");
    return data_.number;
}

const std::string& Value::as_string() const& {
    return contents<String>(Kind::string).text;
}

const Value::List& Value::as_list() const& {
    return contents<ListNode>(Kind::list).items;
}

const Value::Map& Value::as_map() const& {
    return contents<MapNode>(Kind::map).entries;
}

const Value* Value::find(std::string_view key) const {
    if (!is_map()) return nullptr;
    const Map& entries = as_map();
    const auto it = std::lower_bound(entries.begin(), entries.end(), key,
                                     [](const Entry& e, std::string_view k) { return e.key < k; });
    return it != entries.end() && it->key == key ? &it->value : nullptr;
}

const Value& Value::operator[](std::string_view key) const {
    static const Value null;
    const Value* found = find(key);
    return found ? *found : null;
}

Value Value::with(std::string_view key, Value value) const {
    Map entries;
    entries.reserve((is_map() ? as_map().size() : 0) + 1);
    if (is_map()) entries = as_map();
    const auto it = std::lower_bound(entries.begin(), entries.end(), key,
                                     [](const Entry& e, std::string_view k) { return e.key < k; });
    if (it != entries.end() && it->key == key)
        *it = {std::string(key), std::move(value)};
    else
        entries.insert(it, {std::string(key), std::move(value)});
    Value out = ordered_map(std::move(entries)).at(loc_);
    out.secret_ = secret_;
    return out;
}

Value Value::with_all(const Value& other) const {
    if (!other.is_map() || other.as_map().empty()) return *this;
    Map entries;
    if (!is_map()) {
        entries = other.as_map();
    } else {
        const Map &mine = as_map(), &theirs = other.as_map();
        entries.reserve(mine.size() + theirs.size());
        auto m = mine.begin();
        for (const Entry& e : theirs) {
            while (m != mine.end() && m->key < e.key) entries.push_back(*m++);
            if (m != mine.end() && m->key == e.key) ++m;
            entries.push_back(e);
        }
        entries.insert(entries.end(), m, mine.end());
    }
    Value out = ordered_map(std::move(entries)).at(loc_);
    out.secret_ = secret_;
    return out;
}

Value Value::without(std::string_view key) const {
    if (!has(key)) return *this;
    Map entries = as_map();
    std::erase_if(entries, [&](const Entry& e) { return e.key == key; });
    Value out = map(std::move(entries)).at(loc_);
    out.secret_ = secret_;
    return out;
}

std::string Value::text(std::string_view key, std::string_view default_value) const {
    const Value& v = (*this)[key];
    return v.is_string() ? v.as_string() : std::string(default_value);
}

std::int64_t Value::integer(std::string_view key, std::int64_t default_value) const {
    const Value& v = (*this)[key];
    return v.is_integer() ? v.as_integer() : default_value;
}

bool Value::flag(std::string_view key, bool default_value) const {
    const Value& v = (*this)[key];
    return v.is_bool() ? v.as_bool() : default_value;
}

Value Value::at(Loc loc) const {
    Value v = *this;
    v.loc_ = loc;
    return v;
}

Value Value::as_secret() const {
    Value v = *this;
    v.secret_ = true;
    return v;
}

Value Value::as_open() const {
    Value v = *this;
    v.secret_ = false;
    return v;
}

const Value::List& Value::secret_parts() const {
    static const List none;
    if (!is_string()) return none;
    const auto& s = contents<String>(Kind::string);
    return s.composed ? static_cast<const Composed&>(s).parts : none;
}

Value Value::with_secret_parts(List parts) const {
    if (parts.empty()) return *this;
    Value v = of(Kind::string, new Composed(as_string(), std::move(parts))).at(loc_);
    v.secret_ = secret_;
    return v;
}

Value Value::as_measured() const {
    Value v = *this;
    v.measured_ = true;
    return v;
}

bool Value::contains_unknown() const {
    const Container* all = container();
    return all != nullptr ? all->unknown : is_unknown();
}

bool Value::contains_secret() const {
    const Container* all = container();
    return secret_ || (all != nullptr && all->secret);
}

std::size_t Value::weight() const {
    constexpr std::size_t kNode = 16;
    if (is_string()) return kNode + as_string().size();
    const Container* all = container();
    return kNode + (all != nullptr ? all->weight : 0);
}

bool Value::is_same(const Value& other) const {
    if (kind_ != other.kind_ || secret_ != other.secret_ || contains_unknown()) return false;
    if (is_list() || is_map()) return data_.shared == other.data_.shared;
    return *this == other;
}

bool operator==(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number() && a.kind() != b.kind())
        return a.as_number() == b.as_number();
    if (a.kind() != b.kind() || a.is_unknown()) return false;
    const bool shared = a.is_shared() && a.data_.shared == b.data_.shared;
    if (shared && !a.contains_unknown()) return true; // copies share the contents
    switch (a.kind()) {
    case Value::Kind::boolean:
    case Value::Kind::integer: return a.data_.integer == b.data_.integer;
    case Value::Kind::number: return a.data_.number == b.data_.number;
    case Value::Kind::string: return a.as_string() == b.as_string();
    case Value::Kind::list: return a.as_list() == b.as_list();
    case Value::Kind::map:
        return std::equal(
            a.as_map().begin(), a.as_map().end(), b.as_map().begin(), b.as_map().end(),
            [](const Entry& x, const Entry& y) { return x.key == y.key && x.value == y.value; });
    default: return true; // null
    }
}

std::string_view Value::kind_name() const {
    switch (kind()) {
    case Kind::null: return "nothing";
    case Kind::unknown: return "a value known only after apply";
    case Kind::boolean: return "a boolean";
    case Kind::integer: return "an integer";
    case Kind::number: return "a number";
    case Kind::string: return "a string";
    case Kind::list: return "a list";
    case Kind::map: return "a map";
    }
    return "a value";
}

void collect_secrets(const Value& value, std::vector<std::string>& out) {
    if (!value.contains_secret()) return;
    struct Walk {
        std::vector<std::string>& out;
        void operator()(const Value& v, bool inherited) const {
            const bool here = inherited || v.secret();
            if (v.is_list()) {
                for (const Value& item : v.as_list()) (*this)(item, here);
            } else if (v.is_map()) {
                for (const Entry& e : v.as_map()) (*this)(e.value, here);
            } else if (here && v.is_string() && !v.as_string().empty()) {
                out.push_back(v.as_string());
                for (const Value& part : v.secret_parts()) (*this)(part, true);
            }
        }
    };
    Walk{out}(value, false);
}

std::string display(const Value& value) {
    if (value.secret()) return "(secret)";
    switch (value.kind()) {
    case Value::Kind::null: return "null";
    case Value::Kind::unknown: return "(known after apply)";
    case Value::Kind::string: return value.as_string();
    default: return to_public_json(value);
    }
}

} // namespace hadeploy
