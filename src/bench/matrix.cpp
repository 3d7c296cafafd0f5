#include "bench/matrix.h"

#include "chaos/report.h"
#include "core/did_you_mean.h"
#include "core/secrecy.h"
#include "core/text.h"
#include "planner/yaml/yaml.h"
#include "provider_api/normalize.h"
#include "provider_api/units.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace hadeploy::bench {

namespace {

constexpr std::size_t kMostRows = 50;
constexpr double kMostPercent = 100;

Attribute load_text_key(std::string name, std::string doc) {
    return {.name = std::move(name), .type = TypeKind::string, .doc = std::move(doc)};
}

Schema make_load_schema() {
    return {
        {.name = "urls",
         .type = list_of(TypeKind::string),
         .doc = "URLs, requested in turn.",
         .min = 1},
        {.name = "requests",
         .type = TypeKind::integer,
         .doc = "Closed loop: number of requests. Default: 100.",
         .min = 1,
         .max = kMostRequests},
        {.name = "concurrency",
         .type = TypeKind::integer,
         .doc = "Closed loop: number of clients, each of which waits for the response before it "
                "sends the next request. Default: 10.",
         .min = 1,
         .max = kMostConcurrency},
        {.name = "rate",
         .type = TypeKind::number,
         .doc = "Open loop: requests per second, sent without waiting for earlier responses.",
         .max = kMostRate},
        {.name = "duration",
         .type = TypeKind::duration,
         .doc = "Open loop: how long requests are sent; default 10s. Closed loop: no more requests "
                "are sent after this time; default 60s.",
         .min = 1,
         .max = kMostDuration.count()},
        {.name = "timeout",
         .type = TypeKind::duration,
         .doc = "Time limit of one request. Default: 5s.",
         .min = 1,
         .max = 300'000},
        {.name = "keep_alive",
         .type = TypeKind::boolean,
         .doc = "Use connections again. Default: false."},
        {.name = "method",
         .type = TypeKind::string,
         .doc = "Method of the requests. Default: GET; POST if there is a body.",
         .one_of = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}},
        {.name = "headers", .type = map_of(TypeKind::line), .doc = "Headers of the requests."},
        load_text_key("body", "Body of the requests."),
        {.name = "replica_header",
         .type = TypeKind::line,
         .doc = "Header of the responses that names the replica. Default: X-Served-By."},
        {.name = "replica_key",
         .type = TypeKind::line,
         .doc = "Key of the response's JSON object that names the replica, instead of a header."},
        {.name = "thresholds",
         .type = map_of(TypeKind::any),
         .doc = "Limits by figure: durations for mean, p50, p90, p95, p99 and max, a percentage "
                "for failed, and requests per second, at least, for rate."},
    };
}

Schema with_attributes(Schema schema, std::vector<Attribute> more) {
    schema.insert(schema.end(), more.begin(), more.end());
    return schema;
}

const Schema& matrix_schema() {
    static const Schema schema = with_attributes(
        load_schema(), {{.name = "rows", .type = list_of(TypeKind::any), .required = true}});
    return schema;
}

const Schema& row_schema() {
    static const Schema schema = with_attributes(
        load_schema(), {{.name = "name", .type = TypeKind::line, .required = true},
                        {.name = "before", .type = list_of(TypeKind::string), .min = 1}});
    return schema;
}

Value checked_keys(const Schema& schema, const Value& given, std::string_view what,
                   Diagnostics& diagnostics) {
    return normalize(
        schema, given, what, given.loc(), [](Loc, bool) { return std::filesystem::path{}; },
        diagnostics);
}

/// The keys that `given` sets.
Value set_keys(const Value& given, const Value& normalized) {
    Value::Map out;
    for (const Entry& e : normalized.as_map())
        if (given.has(e.key)) out.push_back(e);
    return Value::map(std::move(out)).at(given.loc());
}

/// `own` in addition to `common`, whose kind of loop does not count if `own` has the other kind.
Value combined(Value common, const Value& own) {
    if (own.has("rate")) common = common.without("requests").without("concurrency");
    if (own.has("requests") || own.has("concurrency")) common = common.without("rate");
    for (const Entry& e : own.as_map()) common = common.with(e.key, e.value);
    return common;
}

void check_loop(const Value& keys, std::string_view what, Diagnostics& diagnostics) {
    for (const char* closed : {"requests", "concurrency"})
        if (keys.has("rate") && keys.has(closed)) {
            diagnostics
                .add(fmt::format("{}`rate` and `{}` exclude each other", what, closed),
                     keys["rate"].loc())
                .with_hint("`rate` and `duration` make an open loop, `requests` and `concurrency` "
                           "a closed one");
            return;
        }
}

Limit read_limit(const std::string& name, const Value& value) {
    const auto wrong = [&](std::string_view expected) {
        return Error(ErrorKind::spec,
                     fmt::format("the threshold {}: expected {}, got {}", name, expected,
                                 in_quotes(display(value))),
                     value.loc());
    };
    const auto& names = figure_names();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        const auto close = did_you_mean(name, names);
        throw Error(ErrorKind::spec, fmt::format("there is no figure {}", in_quotes(name)),
                    value.loc())
            .with_hint(close ? fmt::format("did you mean {}?", *close)
                             : fmt::format("the figures: {}", fmt::join(names, ", ")));
    }
    if (name == "rate") {
        if (!value.is_number() || value.as_number() <= 0) throw wrong("requests per second");
        return {name, value.as_number()};
    }
    if (name == "failed") {
        if (!value.is_number() || value.as_number() < 0 || value.as_number() > kMostPercent)
            throw wrong("a percentage, such as 0 or 0.5");
        return {name, value.as_number()};
    }
    if (!value.is_string()) throw wrong("a duration such as \"200ms\"");
    try {
        return {name, static_cast<double>(scalar::parse_duration(value.as_string()))};
    } catch (const scalar::Mismatch&) {
        throw wrong("a duration such as \"200ms\"");
    }
}

void check_urls(const Load& load, Loc loc, Diagnostics& diagnostics) {
    for (const std::string& url : load.urls)
        if (!url.starts_with("http://") && !url.starts_with("https://"))
            diagnostics.add(fmt::format("{} is not a URL", in_quotes(url)), loc)
                .with_hint("include the scheme: \"http://10.77.0.11:5000\"");
}

/// @param keys  normalized, without defaults
Load load_of(const Value& keys, Diagnostics& diagnostics) {
    Load out;
    out.name = keys.text("name");
    if (keys.has("urls"))
        for (const Value& url : keys["urls"].as_list()) out.urls.push_back(url.as_string());
    if (keys.has("rate")) {
        out.rate = keys["rate"].as_number();
        if (*out.rate <= 0)
            diagnostics.add("`rate` has to be more than 0 requests per second", keys["rate"].loc());
    }
    out.requests = keys.integer("requests", out.requests);
    out.concurrency = static_cast<int>(keys.integer("concurrency", out.concurrency));
    out.duration =
        Ms(keys.integer("duration", (out.rate ? kOpenDuration : kClosedDuration).count()));
    out.timeout = Ms(keys.integer("timeout", out.timeout.count()));
    out.keep_alive = keys.flag("keep_alive");
    if (keys.has("body")) out.body = keys.text("body");
    out.method = keys.text("method", out.body ? "POST" : "GET");
    if (keys.has("headers"))
        for (const Entry& e : keys["headers"].as_map()) out.headers[e.key] = e.value.as_string();
    out.replica_header = keys.text("replica_header", out.replica_header);
    out.replica_key = keys.text("replica_key");
    if (keys.has("before"))
        for (const Value& word : keys["before"].as_list()) out.before.push_back(word.as_string());
    if (keys.has("thresholds"))
        for (const Entry& e : keys["thresholds"].as_map()) try {
                out.limits.push_back(read_limit(e.key, e.value));
            } catch (const Error& error) {
                diagnostics.add(error);
            }
    if (out.rate && *out.rate * static_cast<double>(out.duration.count()) / 1e3 > kMostRequests)
        diagnostics
            .add(fmt::format("{:g} requests a second for {} are more than {} requests", *out.rate,
                             chaos::show_time(out.duration), kMostRequests),
                 keys["rate"].loc())
            .with_hint("choose a lower rate or a shorter duration");
    check_urls(out, keys["urls"].loc(), diagnostics);
    return out;
}

} // namespace

const Schema& load_schema() {
    static const Schema schema = make_load_schema();
    return schema;
}

Load read_load(const Value& given) {
    Diagnostics diagnostics;
    const Value keys = set_keys(given, checked_keys(load_schema(), given, "", diagnostics));
    diagnostics.throw_if_any();
    Load out = load_of(keys, diagnostics);
    diagnostics.throw_if_any();
    return out;
}

std::vector<Load> read_matrix(const Sources& sources, std::uint16_t file, const Value& given) {
    Diagnostics diagnostics;
    const Value root = read_yaml(sources, file, diagnostics);
    diagnostics.throw_if_any();
    if (!root.is_map())
        throw Error(ErrorKind::spec, fmt::format("a matrix is a map, not {}", root.kind_name()),
                    root.loc())
            .with_hint("it has `rows`, each with a name and a load");
    const Value top = set_keys(root, checked_keys(matrix_schema(), root, "", diagnostics));
    check_loop(top, "", diagnostics);
    diagnostics.throw_if_any();
    const Value common = combined(
        top.without("rows"), set_keys(given, checked_keys(load_schema(), given, "", diagnostics)));
    const Value::List rows = top["rows"].as_list();
    if (rows.empty() || rows.size() > kMostRows)
        throw Error(ErrorKind::spec, fmt::format("a matrix has 1 to {} rows", kMostRows),
                    top["rows"].loc());
    std::vector<Load> out;
    std::set<std::string> names;
    for (const Value& row : rows) {
        const std::string what =
            row.is_map() && row["name"].is_string() ? quoted(row["name"]) : "row";
        const std::size_t before = diagnostics.list().size();
        const Value own = checked_keys(row_schema(), row, what, diagnostics);
        if (diagnostics.list().size() != before) continue;
        const Value keys = set_keys(row, own);
        check_loop(keys, what + ": ", diagnostics);
        out.push_back(load_of(combined(common, keys), diagnostics));
        if (!names.insert(out.back().name).second)
            diagnostics.add(fmt::format("there are two rows {}", what), row.loc());
    }
    diagnostics.throw_if_any();
    return out;
}

std::pair<std::string, Value> parse_threshold(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == text.npos || equals + 1 == text.size())
        throw Error(ErrorKind::usage,
                    fmt::format("--threshold needs FIGURE=LIMIT, got {}", in_quotes(text)))
            .with_hint("for example p99=200ms, failed=0 or rate=100");
    const std::string name = text.substr(0, equals), limit = text.substr(equals + 1);
    Value value = limit;
    if (name == "rate" || name == "failed") {
        const std::string digits = limit.ends_with('%') ? limit.substr(0, limit.size() - 1) : limit;
        char* end = nullptr;
        const double number = std::strtod(digits.c_str(), &end);
        if (end == digits.c_str() + digits.size() && std::isfinite(number)) value = Value(number);
    }
    try {
        read_limit(name, value);
    } catch (Error& error) {
        error.kind = ErrorKind::usage;
        throw;
    }
    return {name, std::move(value)};
}

} // namespace hadeploy::bench
