#include "providers/ssh/host_keys.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/ssh_key.h"
#include "core/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace hadeploy::ssh {

namespace {
/// Key types that a server can have, of RFC 4253, 5656 and 8709.
constexpr std::array<std::string_view, 6> kTypes{
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    "ssh-dss"};

bool is_host_key_type(std::string_view word) {
    return std::find(kTypes.begin(), kTypes.end(), word) != kTypes.end();
}

std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t\r\n")));
    const std::string_view found = line.substr(0, line.find_first_of(" \t\r\n"));
    line.remove_prefix(found.size());
    return found;
}

/// Calls `take` with each line that is neither empty nor a comment.
void each_line(std::string_view text, const auto& take) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t\r")));
        if (!line.empty() && line.front() != '#') take(line);
    }
}

/// A line of known_hosts, or a key alone; then `names` is empty.
struct HostEntry {
    std::string_view marker, names, key;
};

HostEntry take_apart(std::string_view line) {
    HostEntry entry;
    std::string_view rest = line;
    std::string_view word = next_word(rest);
    if (word.starts_with('@')) {
        entry.marker = word;
        line = rest;
        word = next_word(rest);
    }
    if (!is_host_key_type(word)) {
        entry.names = word;
        line = rest;
    }
    entry.key = line;
    return entry;
}

/// The number of complete keys in a string.
std::size_t count_keys(std::string_view text) {
    std::size_t count = 0;
    std::string_view rest = text;
    for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest))
        if (is_host_key_type(word) && is_whole(parse_public_key(std::string(word).append(rest))))
            ++count;
    return count;
}

Error joined_lines(Loc loc) {
    return Error(ErrorKind::spec,
                 "several lines were joined into one, so only the first key would be used", loc)
        .with_hint("`>` in YAML joins lines; `host_key: |` keeps them, one key per line");
}

Error no_host_key(std::string message, Loc loc) {
    return Error(ErrorKind::spec, std::move(message), loc)
        .with_hint("write it as \"ssh-ed25519 AAAA...\", or as `ssh-keyscan` prints it");
}

/// HMAC-SHA1 of the name, as `HashKnownHosts` writes it: "|1|SALT|HASH".
bool is_hash_of(std::string_view entry, const std::string& name) {
    constexpr std::string_view magic = "|1|";
    if (!entry.starts_with(magic)) return false;
    entry.remove_prefix(magic.size());
    const std::size_t bar = entry.find('|');
    if (bar == std::string_view::npos) return false;
    try {
        const std::string salt = base64_decode(entry.substr(0, bar));
        std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
        unsigned size = 0;
        if (!HMAC(EVP_sha1(), salt.data(), static_cast<int>(salt.size()),
                  reinterpret_cast<const unsigned char*>(name.data()), name.size(), hash.data(),
                  &size))
            return false;
        return base64_decode(entry.substr(bar + 1)) ==
               std::string_view(reinterpret_cast<const char*>(hash.data()), size);
    } catch (const Error&) { // not base64
        return false;
    }
}

/// Whether the names of a line match the host. A negated match excludes the whole line.
bool names_host(std::string_view names, const std::string& name) {
    if (names.starts_with('|')) return is_hash_of(names, name);
    bool found = false;
    while (!names.empty()) {
        std::string_view pattern = names.substr(0, names.find(','));
        names.remove_prefix(std::min(names.size(), pattern.size() + 1));
        const bool negated = pattern.starts_with('!');
        if (negated) pattern.remove_prefix(1);
        if (!fits_pattern(name, pattern)) continue;
        if (negated) return false;
        found = true;
    }
    return found;
}

/// An RSA key can be used with three signature algorithms.
bool signs_by(const PublicKey& key, std::string_view pattern) {
    if (fits_pattern(key.type, pattern)) return true;
    return key.type == "ssh-rsa" &&
           (fits_pattern("rsa-sha2-256", pattern) || fits_pattern("rsa-sha2-512", pattern));
}

/// @return whether some line without a marker matches the host
bool look_up_name(std::string_view known_hosts, const std::string& name, HostKeys& into) {
    bool any = false;
    each_line(known_hosts, [&](std::string_view line) {
        std::string_view names = next_word(line);
        std::string_view marker;
        if (names.starts_with('@')) {
            marker = names;
            names = next_word(line);
        }
        const PublicKey key = parse_public_key(line);
        if (!is_host_key_type(key.type) || !is_whole(key) || !names_host(names, name)) return;
        any |= marker.empty();
        if (marker == "@revoked")
            into.revoked.push_back(key);
        else if (marker == "@cert-authority")
            into.authority = true;
        else if (marker.empty() && !into.accepts(key))
            into.accepted.push_back(key);
    });
    return any;
}
} // namespace

bool is_whole(const PublicKey& key) {
    std::string bytes;
    try {
        bytes = base64_decode(key.base64);
    } catch (const Error&) {
        return false;
    }
    const std::string begin = std::string(3, '\0') + static_cast<char>(key.type.size()) + key.type;
    // then one field for ed25519, two for RSA, curve and point for ECDSA
    std::size_t at = 0;
    while (at + 4 <= bytes.size()) {
        std::size_t size = 0;
        for (std::size_t i = 0; i < 4; ++i)
            size = size << 8 | static_cast<unsigned char>(bytes[at + i]);
        at += 4 + size;
    }
    return bytes.starts_with(begin) && bytes.size() > begin.size() && at == bytes.size();
}

PublicKey parse_public_key(std::string_view line) {
    const std::string_view type = next_word(line);
    return {std::string(type), std::string(next_word(line))};
}

std::string fingerprint(const PublicKey& key) {
    return ssh_fingerprint(key.type + ' ' + key.base64);
}

bool HostKeys::accepts(const PublicKey& key) const {
    return std::find(accepted.begin(), accepted.end(), key) != accepted.end();
}

bool HostKeys::revokes(const PublicKey& key) const {
    return std::find(revoked.begin(), revoked.end(), key) != revoked.end();
}

std::string HostKeys::text() const {
    std::string out;
    const auto add = [&out](std::string_view marker, const PublicKey& key) {
        out += fmt::format("{}{}{} {}", out.empty() ? "" : "\n", marker, key.type, key.base64);
    };
    for (const PublicKey& key : accepted) add("", key);
    for (const PublicKey& key : revoked) add("@revoked ", key);
    return out;
}

HostKeys parse_host_keys(std::string_view text, Loc loc) {
    HostKeys keys;
    each_line(text, [&](std::string_view line) {
        const HostEntry entry = take_apart(line);
        if (entry.marker == "@cert-authority")
            throw Error(ErrorKind::spec, "host certificates (@cert-authority) are not supported",
                        loc)
                .with_hint("give the host's own key: `ssh-keyscan -t ed25519 HOST`");
        const PublicKey key = parse_public_key(entry.key);
        const bool revoked = entry.marker == "@revoked";
        if (!is_host_key_type(key.type) || (!revoked && !entry.marker.empty()))
            throw no_host_key(fmt::format("{} is not a host key", in_quotes(line, 40)), loc);
        if (!is_whole(key))
            throw no_host_key(fmt::format("the host key {} is truncated or has a typing error",
                                          in_quotes(key.type + ' ' + key.base64, 40)),
                              loc);
        if (count_keys(entry.key) > 1) throw joined_lines(loc);
        (revoked ? keys.revoked : keys.accepted).push_back(key);
    });
    if (keys.accepted.empty() && keys.revoked.empty() && count_keys(text) > 0)
        throw joined_lines(loc); // to a comment line
    std::erase_if(keys.accepted, [&](const PublicKey& key) { return keys.revokes(key); });
    return keys;
}

std::vector<std::string> names_of_others(std::string_view text,
                                         const std::vector<std::string>& hosts, int port) {
    std::vector<std::string> out;
    each_line(text, [&](std::string_view line) {
        const std::string_view names = take_apart(line).names;
        if (names.empty()) return;
        for (const std::string& host : hosts) {
            const std::string name = lower_case(host);
            if (names_host(names, name) || names_host(names, fmt::format("[{}]:{}", name, port)))
                return;
        }
        out.emplace_back(names);
    });
    return out;
}

void look_up_host(std::string_view known_hosts, std::string_view host, int port, HostKeys& into) {
    const std::string name = lower_case(host);
    constexpr int standard = 22;
    if (port == standard || !look_up_name(known_hosts, fmt::format("[{}]:{}", name, port), into))
        look_up_name(known_hosts, name, into);
    std::erase_if(into.accepted, [&](const PublicKey& key) { return into.revokes(key); });
}

void order_host_keys(std::string_view algorithms, HostKeys& keys) {
    const char mode = algorithms.empty() ? '+' : algorithms.front();
    const bool marked = mode == '+' || mode == '-' || mode == '^';
    if (marked) algorithms.remove_prefix(1);
    std::vector<PublicKey> named, rest = std::move(keys.accepted);
    while (!algorithms.empty()) {
        const std::string_view pattern = algorithms.substr(0, algorithms.find(','));
        algorithms.remove_prefix(std::min(algorithms.size(), pattern.size() + 1));
        const auto other = std::stable_partition(
            rest.begin(), rest.end(), [&](const PublicKey& key) { return signs_by(key, pattern); });
        named.insert(named.end(), rest.begin(), other);
        rest.erase(rest.begin(), other);
    }
    if (mode == '-' || mode == '+') named.clear(); // `rest` is appended below
    keys.accepted = std::move(named);
    if (marked) keys.accepted.insert(keys.accepted.end(), rest.begin(), rest.end());
}

bool fits_pattern(std::string_view name, std::string_view pattern) {
    std::size_t n = 0, p = 0, star = std::string_view::npos, after = 0;
    const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            after = n;
        } else if (p < pattern.size() &&
                   (pattern[p] == '?' || lower(pattern[p]) == lower(name[n]))) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) { // let the last star match one more character
            p = star + 1;
            n = ++after;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

} // namespace hadeploy::ssh
