#include "planner/schema.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace hadeploy {

namespace {
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

Type set_of(Type element) {
    Type type(TypeKind::set);
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
         .type = TypeKind::address,
         .doc = "Host name or IP address to log in at.",
         .required = true},
        {.name = "port",
         .type = TypeKind::port,
         .doc = "Port of the SSH server.",
         .fallback = Value(22)},
        {.name = "user",
         .type = TypeKind::account,
         .doc = "Who logs in: root, or someone who may use sudo.",
         .fallback = Value("root")},
        {.name = "private_key_file",
         .type = TypeKind::local_path,
         .doc = "The private key to log in with. Without it the keys of the SSH agent and those in "
                "`~/.ssh` are tried."},
        {.name = "public_key",
         .type = TypeKind::line,
         .doc = "Which of the SSH agent's keys to log in with."},
        {.name = "identity_files",
         .type = list_of(TypeKind::string),
         .doc = "Private keys to try instead of those in `~/.ssh`."},
        {.name = "identities_only",
         .type = TypeKind::boolean,
         .doc = "Try no key of the SSH agent but those in `identity_files`."},
        {.name = "agent",
         .type = TypeKind::string,
         .doc = "The SSH agent's socket, instead of the one in SSH_AUTH_SOCK; `none` for none."},
        {.name = "address_family",
         .type = TypeKind::string,
         .doc = "Only IPv4 addresses (`inet`) or only IPv6 ones (`inet6`) of a name."},
        {.name = "become_password",
         .type = TypeKind::string,
         .doc = "What sudo asks the user for.",
         .secret = true},
        {.name = "host_key",
         .type = TypeKind::string,
         .doc = "The public key that the host must show, \"ssh-ed25519 AAAA...\"; one a line."},
        {.name = "jump_host",
         .type = TypeKind::connection,
         .doc = "The connection of a host to reach this one through."},
        {.name = "machine",
         .type = TypeKind::string,
         .doc = "Address of the resource that is the machine; empty where it existed before.",
         .fallback = Value("")},
    };
    return fields;
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
