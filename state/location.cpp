#include "state/location.h"

#include "core/error.h"
#include "core/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace hadeploy {

namespace {
constexpr std::array<std::string_view, 2> kSchemes{"postgresql://", "postgres://"};
constexpr std::string_view kDefaultSchema = "hadeploy";
constexpr std::string_view kExample =
    "for example: postgresql://deploy@db.example.com/infra?schema=shop";
constexpr std::size_t kMostName = 63; // NAMEDATALEN - 1

/// Decodes escapes such as %41. Leaves invalid escapes unchanged, because libpq rejects them.
std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned code = 0;
        const char* const digits = text.data() + i + 1;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
            out += static_cast<char>(code);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// The parts of a URL that are checked here.
struct Parts {
    std::string_view before; ///< everything before the query
    std::string_view user;   ///< "USER" or "USER:PASSWORD"
    std::string_view hosts;  ///< with their ports
    std::string_view query;  ///< without the question mark
};

/// Divides a URL as libpq does: the user may contain a question mark.
Parts parts_of(std::string_view url) {
    Parts out;
    const std::size_t begin = url.find("://") + 3;
    std::size_t hosts = begin;
    if (const auto end = url.find_first_of("@/", begin); end != url.npos && url[end] == '@') {
        out.user = url.substr(begin, end - begin);
        hosts = end + 1;
    }
    out.hosts = url.substr(hosts, std::min(url.find_first_of("/?", hosts), url.size()) - hosts);
    const auto question = std::min(url.find('?', hosts), url.size());
    out.before = url.substr(0, question);
    out.query = url.substr(std::min(url.size(), question + 1));
    // anywhere else it is part of a password with a / in it, or could be
    if (url.find('@', hosts) != url.npos)
        throw Error(ErrorKind::usage, "the URL of the state has an @ in the wrong place")
            .with_hint("write an @ in a name as %40; a password does not belong in the URL: set "
                       "HADEPLOY_STATE_PASSWORD");
    return out;
}

template<class Use>
void each_parameter(std::string_view query, const Use& use) {
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), parameter.size() + 1));
        const auto equals = std::min(parameter.find('='), parameter.size());
        use(parameter, percent_decoded(parameter.substr(0, equals)),
            parameter.substr(std::min(parameter.size(), equals + 1)));
    }
}

/// Whether a parameter is a secret, including names that libpq does not know but somebody could
/// try.
bool is_secret(std::string_view parameter) {
    const std::string name = lower_case(parameter);
    return name.find("passw") != name.npos || name.find("secret") != name.npos || name == "pass" ||
           name == "pwd" || name.starts_with("scram_");
}

/// "ann:pw/infra" lacks its host: the password would be the port, which messages show.
void check_ports(std::string_view hosts) {
    while (!hosts.empty()) {
        std::string_view host = hosts.substr(0, hosts.find(','));
        hosts.remove_prefix(std::min(hosts.size(), host.size() + 1));
        if (host.starts_with('[')) host.remove_prefix(std::min(host.find(']'), host.size()));
        const auto colon = host.find(':');
        if (colon == host.npos) continue;
        const std::string_view port = host.substr(colon + 1);
        if (port.empty() || port.find_first_not_of("0123456789") != port.npos)
            throw Error(ErrorKind::usage, "the URL of the state has a port that is not a number")
                .with_hint(std::string(kExample));
    }
}

void check_no_password(const Parts& parts) {
    // with a question mark: "db?password=a@b", where libpq takes "db?password=a" for the user
    bool found = percent_decoded(parts.user).find_first_of(":?") != std::string::npos;
    each_parameter(parts.query, [&](std::string_view, const std::string& name, std::string_view) {
        found = found || is_secret(name);
    });
    if (!found) return;
    throw Error(ErrorKind::usage, "the URL of the state contains a password")
        .with_hint("remove it from the URL: set HADEPLOY_STATE_PASSWORD, use ~/.pgpass, or a "
                   "file of secrets: state: {url: ..., password: \"${secret.db.password}\"}");
}

void check_schema(std::string_view name) {
    const bool good =
        !name.empty() && name.size() <= kMostName && !name.starts_with("pg_") &&
        std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        });
    if (good) return;
    throw Error(ErrorKind::usage, fmt::format("{} can't be the schema of a state", in_quotes(name)))
        .with_hint(
            "a schema name consists of a-z, 0-9, _ and -, and does not begin with pg_: at most "
            "63 characters");
}
} // namespace

StateLocation StateLocation::of_url(const std::string& url) {
    const bool ours = std::any_of(kSchemes.begin(), kSchemes.end(),
                                  [&](std::string_view scheme) { return url.starts_with(scheme); });
    if (!ours)
        throw Error(ErrorKind::usage, "the URL of the state does not begin with postgresql://")
            .with_hint(std::string(kExample));
    const Parts parts = parts_of(url);
    check_no_password(parts);
    check_ports(parts.hosts);
    StateLocation out{std::filesystem::path()};
    std::optional<std::string> schema;
    std::string others;
    each_parameter(
        parts.query, [&](std::string_view whole, const std::string& name, std::string_view value) {
            if (name != "schema") {
                others.append(others.empty() ? "?" : "&").append(whole);
                return;
            }
            if (schema)
                throw Error(ErrorKind::usage, "the URL of the state has two parameters `schema`")
                    .with_hint("remove the one that is not for this project and environment");
            schema = value;
        });
    out.schema = schema.value_or(std::string(kDefaultSchema));
    check_schema(out.schema);
    out.url = std::string(parts.before) + others;
    return out;
}

void StateLocation::extend_schema(const std::string& name) {
    schema += "_" + name;
    check_schema(schema);
}

std::string StateLocation::text() const {
    if (in_file()) return file.string();
    return fmt::format("{}{}schema={}", url, url.find('?') == url.npos ? '?' : '&', schema);
}

} // namespace hadeploy
