#include "state/location.h"

#include "core/error.h"
#include "core/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

namespace hadeploy {

namespace {
constexpr std::array<std::string_view, 2> kSchemes{"postgresql://", "postgres://"};
constexpr std::string_view kDefaultSchema = "hadeploy";
constexpr std::string_view kExample =
    "for example: postgresql://deploy@db.example.com/infra?schema=shop";
constexpr std::size_t kMostName = 63; // NAMEDATALEN - 1

/// A URL in the parts that matter here.
struct Parts {
    std::string_view before; ///< scheme, user, hosts and database
    std::string_view query;  ///< without the question mark
};

Parts parts_of(std::string_view url) {
    const auto question = url.find('?');
    if (question == url.npos) return {url, {}};
    return {url.substr(0, question), url.substr(question + 1)};
}

/// The part before the hosts: "USER" or "USER:PASSWORD".
std::string_view user_of(std::string_view before) {
    const auto slashes = before.find("://");
    if (slashes == before.npos) return {};
    const std::string_view rest = before.substr(slashes + 3);
    const std::string_view authority = rest.substr(0, rest.find('/'));
    if (const auto at = authority.rfind('@'); at != authority.npos) return authority.substr(0, at);
    // "ann:a/b@db": not a host with its port, but a password whose / should have been escaped
    const auto colon = std::min(authority.rfind(':'), authority.size());
    const bool port = authority.find_first_not_of("0123456789", colon + 1) == authority.npos;
    const auto at = rest.rfind('@');
    return port || at == rest.npos ? std::string_view() : rest.substr(0, at);
}

template<class Use>
void each_parameter(std::string_view query, const Use& use) {
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), parameter.size() + 1));
        const auto equals = std::min(parameter.find('='), parameter.size());
        use(parameter, parameter.substr(0, equals),
            parameter.substr(std::min(parameter.size(), equals + 1)));
    }
}

void check_schema(std::string_view name) {
    const bool good =
        !name.empty() && name.size() <= kMostName && !name.starts_with("pg_") &&
        std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        });
    if (good) return;
    throw Error(ErrorKind::usage, fmt::format("{} can't be the schema of a state", in_quotes(name)))
        .with_hint("its name consists of a-z, 0-9, _ and -, and does not begin with pg_: at most "
                   "63 characters");
}
} // namespace

std::string password_in(std::string_view url) {
    const auto [before, query] = parts_of(url);
    const std::string_view user = user_of(before);
    std::string out;
    if (const auto colon = user.find(':'); colon != user.npos) out = user.substr(colon + 1);
    each_parameter(query, [&](std::string_view, std::string_view name, std::string_view value) {
        if (name == "password" || name == "sslpassword") out = value;
    });
    return out;
}

StateLocation StateLocation::of_url(const std::string& url) {
    if (!password_in(url).empty())
        throw Error(ErrorKind::usage, "the URL of the state contains a password")
            .with_hint("remove it from the URL: set HADEPLOY_STATE_PASSWORD, use ~/.pgpass, or a "
                       "file of secrets: state: {url: ..., password: \"${secret.db.password}\"}");
    const bool ours = std::any_of(kSchemes.begin(), kSchemes.end(),
                                  [&](std::string_view scheme) { return url.starts_with(scheme); });
    if (!ours)
        // libpq's other notation can contain a password
        throw Error(ErrorKind::usage,
                    fmt::format("{} is not the URL of a state",
                                url.find("://") == url.npos ? "the text" : in_quotes(url)))
            .with_hint(std::string(kExample));
    StateLocation out{std::filesystem::path()};
    out.schema = kDefaultSchema;
    const auto [before, query] = parts_of(url);
    std::string others;
    each_parameter(query,
                   [&](std::string_view whole, std::string_view name, std::string_view value) {
                       if (name == "schema")
                           out.schema = value;
                       else
                           others.append(others.empty() ? "?" : "&").append(whole);
                   });
    check_schema(out.schema);
    out.url = std::string(before) + others;
    return out;
}

std::string StateLocation::text() const {
    if (in_file()) return file.string();
    return fmt::format("{}{}schema={}", url, url.find('?') == url.npos ? '?' : '&', schema);
}

} // namespace hadeploy
