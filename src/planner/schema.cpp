#include "planner/schema.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <numeric>

namespace hadeploy {

namespace {
struct TypeName {
    TypeKind kind;
    std::string_view name;
};

/// The types that are written as one word.
constexpr std::array kTypeNames{
    TypeName{TypeKind::any, "any"},
    TypeName{TypeKind::string, "string"},
    TypeName{TypeKind::integer, "integer"},
    TypeName{TypeKind::number, "number"},
    TypeName{TypeKind::boolean, "boolean"},
    TypeName{TypeKind::bytes, "bytes"},
    TypeName{TypeKind::duration, "duration"},
    TypeName{TypeKind::port, "port"},
    TypeName{TypeKind::ipv4, "ipv4"},
    TypeName{TypeKind::cidr, "cidr"},
    TypeName{TypeKind::mode, "mode"},
    TypeName{TypeKind::name, "name"},
    TypeName{TypeKind::path, "path"},
    TypeName{TypeKind::local_path, "local_path"},
    TypeName{TypeKind::connection, "connection"},
    TypeName{TypeKind::list, "list"},
    TypeName{TypeKind::map, "map"},
};

constexpr int kMaxTypeDepth = 16;

std::string_view trim(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

std::optional<Type> parse_type(std::string_view text, int depth) {
    if (depth > kMaxTypeDepth) return std::nullopt;
    text = trim(text);
    for (const TypeName& t : kTypeNames) {
        if (t.name == text) return Type(t.kind);
        const bool container = t.kind == TypeKind::list || t.kind == TypeKind::map;
        if (!container || !text.starts_with(t.name) || !text.ends_with(')')) continue;
        std::string_view inner = trim(text.substr(t.name.size()));
        if (!inner.starts_with('(')) continue;
        inner.remove_prefix(1);
        inner.remove_suffix(1);
        auto element = parse_type(inner, depth + 1);
        if (!element) return std::nullopt;
        return t.kind == TypeKind::list ? list_of(std::move(*element))
                                        : map_of(std::move(*element));
    }
    return std::nullopt;
}

/// The number of letters to change, add, drop or swap with their neighbour; case is free.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    const auto same = [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    };
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = std::exchange(last, row);
    }
    return last[b.size()];
}
} // namespace

Type list_of(Type element) {
    Type type(TypeKind::list);
    type.element = std::make_shared<const Type>(std::move(element));
    return type;
}

Type map_of(Type element) {
    Type type(TypeKind::map);
    type.element = std::make_shared<const Type>(std::move(element));
    return type;
}

Type object_of(std::vector<Attribute> fields) {
    Type type(TypeKind::object);
    type.fields = std::make_shared<const std::vector<Attribute>>(std::move(fields));
    return type;
}

const Attribute* find_attribute(const Schema& schema, std::string_view name) {
    const auto it = std::find_if(schema.begin(), schema.end(),
                                 [&](const Attribute& a) { return a.name == name; });
    return it == schema.end() ? nullptr : &*it;
}

const std::vector<Attribute>& connection_fields() {
    static const std::vector<Attribute> fields{
        {.name = "address",
         .type = TypeKind::string,
         .doc = "Host name or IP address to log in at.",
         .required = true},
        {.name = "port",
         .type = TypeKind::port,
         .doc = "Port of the SSH server.",
         .fallback = Value(22)},
        {.name = "user",
         .type = TypeKind::name,
         .doc = "Who logs in: root, or someone who may use sudo without a password.",
         .fallback = Value("root")},
        {.name = "private_key_file",
         .type = TypeKind::local_path,
         .doc = "The private key to log in with (ed25519)."},
        {.name = "host_key",
         .type = TypeKind::string,
         .doc = "The public key that the host must show: \"ssh-ed25519 AAAA...\"."},
        {.name = "machine",
         .type = TypeKind::string,
         .doc = "Address of the resource that is the machine; empty where it existed before.",
         .fallback = Value("")},
    };
    return fields;
}

std::optional<Type> parse_type(std::string_view text) {
    return parse_type(text, 0);
}

std::string type_name(const Type& type) {
    if (type.kind == TypeKind::object) {
        std::string fields;
        if (type.fields)
            for (const Attribute& field : *type.fields)
                fields += (fields.empty() ? "" : ", ") + field.name;
        return "object(" + fields + ")";
    }
    const auto* it = std::find_if(kTypeNames.begin(), kTypeNames.end(),
                                  [&](const TypeName& t) { return t.kind == type.kind; });
    const std::string name(it->name);
    return type.element ? name + "(" + type_name(*type.element) + ")" : name;
}

std::optional<std::string> did_you_mean(std::string_view word,
                                        const std::vector<std::string>& candidates) {
    constexpr std::size_t kLongest = 256; // beyond, nobody mistyped a name
    if (word.empty() || word.size() > kLongest) return std::nullopt;
    const std::size_t close_enough = std::max<std::size_t>(1, word.size() / 3);
    std::optional<std::string> best;
    std::size_t least = close_enough + 1;
    for (const std::string& candidate : candidates) {
        if (candidate.size() > word.size() + close_enough ||
            word.size() > candidate.size() + close_enough)
            continue;
        const std::size_t distance = edit_distance(word, candidate);
        // Of a word of two letters, one changed leaves too little to be what was meant.
        if (distance >= least || distance >= std::max(word.size(), candidate.size())) continue;
        least = distance;
        best = candidate;
    }
    return best;
}

} // namespace hadeploy
