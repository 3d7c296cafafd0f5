#include "state/postgres_connect.h"

#include "core/log.h"
#include "state/libpq.h"
#include "state/location.h"
#include "state/postgres.h"
#include "state/postgres_errors.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <new>
#include <utility>

/// Connects to the server of a state.
namespace hadeploy::postgres {

namespace {
using Clock = std::chrono::steady_clock;
using Settings = std::vector<std::pair<const char*, std::string>>;
constexpr std::chrono::seconds kConnectTimeout{10};
/// The minimum of libpq, because a shorter timeout could never be met.
constexpr std::chrono::seconds kLeastTimeout{2};

/// The message of libpq about a URL, without the part of the URL that it quotes, which may be a
/// secret in the wrong position.
std::string problem_of_url(std::string_view said) {
    constexpr std::string_view unknown = "invalid URI query parameter: ";
    if (said.starts_with(unknown)) return std::string(said); // only its name
    return std::string(said.substr(0, said.find(": \"")));
}

/// The value of a parameter of a URL; "" if it is not given.
std::string parameter_of(const StateLocation& location, std::string_view name) {
    char* problem = nullptr;
    PQconninfoOption* const options = PQconninfoParse(location.url.c_str(), &problem);
    if (options == nullptr) {
        const std::string cause = in_one_line(text_or_empty(problem));
        PQfreemem(problem);
        throw Error(ErrorKind::usage,
                    fmt::format("the URL of the state is invalid: {}", problem_of_url(cause)))
            .with_hint("for example: postgresql://deploy@db.example.com/infra?schema=shop");
    }
    std::string out;
    for (const PQconninfoOption* o = options; o->keyword != nullptr; ++o)
        if (o->keyword == name && o->val != nullptr) out = o->val;
    PQconninfoFree(options);
    return out;
}

std::vector<std::string> in_parts(std::string_view list) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= list.size(); at += out.back().size() + 1)
        out.emplace_back(list.substr(at, std::min(list.find(',', at), list.size()) - at));
    return out;
}

/// Whether the connection cannot be eavesdropped on. Without a host in the URL, PGHOST or a service
/// determines the server; libpq ignores the TLS mode if that is a local socket.
bool is_here(std::string_view hosts) {
    const std::vector<std::string> all = in_parts(hosts);
    return std::all_of(all.begin(), all.end(), [](const std::string& host) {
        return host.starts_with('/') || host.starts_with('@') || host == "localhost" ||
               host.starts_with("127.") || host == "::1";
    });
}

Settings settings_of(const StateLocation& location) {
    // A dead network is detected within 20 seconds, unless the URL sets other values.
    Settings out{
        {"keepalives_idle", "5"},         {"keepalives_interval", "3"},
        {"keepalives_count", "3"},        {"tcp_user_timeout", "15000"},
        {"application_name", "hadeploy"}, {"client_encoding", "UTF8"},
    };
    const std::string address = parameter_of(location, "hostaddr"); // takes precedence
    if (!is_here(address.empty() ? parameter_of(location, "host") : address))
        out.emplace_back("sslmode", "verify-full");
    out.emplace_back("dbname", location.url);
    if (!location.password.empty()) out.emplace_back("password", location.password);
    return out;
}

/// Makes the list of hosts begin with a different host.
void begin_with(Settings& settings, const StateLocation& location, std::size_t first) {
    for (const char* list : {"host", "hostaddr", "port"}) {
        std::vector<std::string> parts = in_parts(parameter_of(location, list));
        if (parts.size() <= first) continue; // one port for all
        std::rotate(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(first), parts.end());
        settings.emplace_back(list, fmt::format("{}", fmt::join(parts, ",")));
    }
}

/// Otherwise libpq would print the server's notices to standard error.
void take_notice(void* /*unused*/, const PGresult* result) {
    const auto field = [&](int name) {
        return in_one_line(text_or_empty(PQresultErrorField(result, name)));
    };
    log::write(log::Level::debug, "postgres notice",
               {{"severity", field(PG_DIAG_SEVERITY)},
                {"message", field(PG_DIAG_MESSAGE_PRIMARY)},
                {"detail", field(PG_DIAG_MESSAGE_DETAIL)}});
}

/// The parameter connect_timeout, which libpq leaves to callers of PQconnectPoll().
Clock::time_point deadline_of(const StateLocation& location) {
    const std::string given = parameter_of(location, "connect_timeout");
    std::chrono::seconds longest = kConnectTimeout;
    if (!given.empty()) {
        int seconds = 0;
        const auto [end, error] =
            std::from_chars(given.data(), given.data() + given.size(), seconds);
        if (error != std::errc() || end != given.data() + given.size())
            throw explain("", "invalid integer value for connection option \"connect_timeout\"",
                          location);
        longest = std::chrono::seconds(seconds);
    }
    if (longest <= std::chrono::seconds(0)) return Clock::time_point::max();
    return Clock::now() + std::max(longest, kLeastTimeout);
}
} // namespace

void check_url(const StateLocation& location) {
    (void)parameter_of(location, "host");
}

/// PQconnectdbParams() would do the same, but print the server's notices before it returns.
bool Database::try_connect(std::size_t first_host) {
    Settings all = settings_of(location_);
    if (first_host > 0) begin_with(all, location_, first_host);
    std::vector<const char*> keywords, values;
    for (const auto& [keyword, value] : all) {
        keywords.push_back(keyword);
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    const Clock::time_point deadline = deadline_of(location_);
    connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
    pg_conn* const c = connection_.get();
    if (c == nullptr) throw std::bad_alloc();
    if (PQstatus(c) == CONNECTION_BAD) return true;
    PQsetNoticeReceiver(c, take_notice, nullptr);
    for (auto next = PGRES_POLLING_WRITING;;) {
        if (!wait_for(c, next, deadline)) return false;
        next = PQconnectPoll(c);
        if (next == PGRES_POLLING_OK || next == PGRES_POLLING_FAILED) return true;
    }
}

void Database::connect() {
    const std::string address = parameter_of(location_, "hostaddr");
    const std::size_t hosts =
        in_parts(address.empty() ? parameter_of(location_, "host") : address).size();
    for (std::size_t first = 0; first < hosts; ++first) {
        if (!try_connect(first)) continue; // the timeout for this host has expired
        if (PQstatus(connection_.get()) != CONNECTION_OK) break;
        return check_server();
    }
    std::string cause = in_one_line(text_or_empty(PQerrorMessage(connection_.get())));
    if (cause.empty()) cause = "timeout expired";
    connection_.reset();
    throw explain("", std::move(cause), location_);
}

} // namespace hadeploy::postgres
