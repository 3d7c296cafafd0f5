#include "chaos/settings.h"

#include "core/http.h"

#include <fmt/format.h>

namespace hadeploy::chaos {

namespace {

Attribute duration(std::string name, std::string doc, std::int64_t default_value,
                   std::int64_t min = 0) {
    return {.name = std::move(name),
            .type = TypeKind::duration,
            .doc = std::move(doc),
            .default_value = Value(default_value),
            .min = min};
}

Attribute text(std::string name, std::string doc, std::string default_value) {
    return {.name = std::move(name),
            .type = TypeKind::string,
            .doc = std::move(doc),
            .default_value = Value(std::move(default_value))};
}

Schema make_schema() {
    return {
        {.name = "hosts",
         .type = map_of(TypeKind::connection),
         .doc = "The swarm's managers. The drill uses the first of them that answers.",
         .required = true},
        {.name = "urls",
         .type = list_of(TypeKind::string),
         .doc = "URLs of the app, requested in turn: usually one URL for each node.",
         .required = true,
         .min = 1},
        {.name = "failover",
         .type = TypeKind::boolean,
         .doc = "If a connection to a URL cannot be opened within a second, the request is sent to "
                "the next URL, as browsers do for a name with several addresses.",
         .default_value = Value(false)},
        text("read", "Path of a read (GET); 2xx is a success.", "/api/entities"),
        text("write", "Path of a write (POST); 2xx acknowledges it.", "/api/entities"),
        text("body", "JSON body of a write. `$ID` is replaced with the write's own ID.",
             R"({"name": "chaos", "quantity": 1, "id": "$ID"})"),
        text("verify",
             "Path that returns the IDs of the writes at the end: a JSON list of IDs or of objects "
             "with an `id`, or `{\"writes\": list, \"next\": N}`, whose next page is requested "
             "with `after=N`. `$PREFIX` is replaced with the start of the drill's own IDs; other "
             "IDs are ignored.",
             "/api/writes?prefix=$PREFIX"),
        {.name = "rate",
         .type = TypeKind::integer,
         .doc = "Maximum number of reads per second, and of writes per second.",
         .default_value = Value(10),
         .min = 1,
         .max = 500},
        {.name = "load",
         .type = TypeKind::integer,
         .doc = "The drill uses this percentage of the highest rate that the app sustains, and at "
                "most `rate`.",
         .default_value = Value(50),
         .min = 1,
         .max = 100},
        duration(
            "ramp",
            "Before the baseline, hadeploy searches for the highest rate that the app sustains. "
            "This is the length of each step. The rate is doubled in each step, until it suffices "
            "for `rate` and `load`. 0: there is no search, and the drill uses `rate`.",
            2'000),
        duration("well_p99",
                 "The app sustains a rate if no request fails, and 99 % of the reads and of the "
                 "writes are answered within this time.",
                 1'000, 1),
        duration("timeout", "Time limit of one request.", 5'000, 10),
        duration("baseline",
                 "How long the app is measured before the fault. If a request fails, the "
                 "measurement is repeated until `patience` has passed.",
                 5'000),
        duration("hold",
                 "How long the fault stays after its tasks have moved, or after every service has "
                 "its tasks.",
                 5'000),
        duration("settle", "How long the app has to respond without an error to count as steady.",
                 2'000, 1),
        duration(
            "patience",
            "Time limit of each wait: for a healthy app, for tasks to move, for the steady state, "
            "and for the final read.",
            180'000, 1),
        duration("poll", "Time between two reads of the cluster.", 1'000, 1),
        duration("max_gap",
                 "Threshold: the longest time without a success, for reads and writes separately.",
                 10'000),
        {.name = "max_lost",
         .type = TypeKind::integer,
         .doc = "Threshold: acknowledged writes that are missing at the end.",
         .default_value = Value(0),
         .min = 0},
        {.name = "max_failed_percent",
         .type = TypeKind::number,
         .doc = "Threshold: percentage of the requests that fail, for reads and writes separately.",
         .default_value = Value(20),
         .min = 0,
         .max = 100},
        {.name = "max_failed",
         .type = TypeKind::integer,
         .doc = "Threshold: number of failed requests, reads and writes together. Not checked by "
                "default.",
         .min = 0},
        {.name = "max_reschedule",
         .type = TypeKind::duration,
         .doc = "Threshold: time from the fault until every service has its tasks. Defaults to "
                "`patience`.",
         .min = 0},
        {.name = "max_steady",
         .type = TypeKind::duration,
         .doc = "Threshold: time from the end of the fault until the steady state. Defaults to "
                "`patience`.",
         .min = 0},
    };
}

bool begins_with(const Value& value, std::initializer_list<std::string_view> starts) {
    if (!value.is_string()) return true;
    for (const std::string_view start : starts)
        if (value.as_string().starts_with(start)) return true;
    return false;
}

std::optional<Ms> optional_ms(const Value& section, std::string_view name) {
    const Value& value = section[name];
    if (!value.is_integer()) return std::nullopt;
    return Ms(value.as_integer());
}

} // namespace

const Schema& settings_schema() {
    static const Schema schema = make_schema();
    return schema;
}

void check_settings(const Value& section, Diagnostics& diagnostics) {
    if (section["urls"].is_list())
        for (const Value& url : section["urls"].as_list())
            if (!begins_with(url, {"http://", "https://"}))
                diagnostics.add(fmt::format("{} is not a URL", display(url)), url.loc())
                    .with_hint("include the scheme: \"http://10.77.0.11:5000\"");
    for (const std::string_view name : {"read", "write", "verify"})
        if (!begins_with(section[name], {"/"}))
            diagnostics.add(fmt::format("`{}` has to be a path that begins with a slash", name),
                            section[name].loc());
    const Value& body = section["body"];
    if (body.is_string() && body.as_string().find("$ID") == std::string::npos)
        diagnostics.add("`body` has no $ID, so writes cannot be distinguished", body.loc())
            .with_hint("put \"$ID\" where the app expects the write's id");
    if (section["hosts"].is_map() && section["hosts"].as_map().empty())
        diagnostics.add("`hosts` is empty", section["hosts"].loc());
}

Settings parse_settings(const Value& section) {
    const auto ms = [&](std::string_view name) { return Ms(section.integer(name)); };
    Settings s;
    s.hosts = section["hosts"];
    for (const Value& url : section["urls"].as_list()) s.urls.push_back(url.as_string());
    s.failover = section["failover"].as_bool();
    s.read = section.text("read");
    s.write = section.text("write");
    s.body = section.text("body");
    s.verify = section.text("verify");
    s.rate = static_cast<int>(section.integer("rate"));
    s.load = static_cast<int>(section.integer("load"));
    s.ramp = ms("ramp");
    s.well_p99 = ms("well_p99");
    s.timeout = ms("timeout");
    s.baseline = ms("baseline");
    s.hold = ms("hold");
    s.settle = ms("settle");
    s.patience = ms("patience");
    s.poll = ms("poll");
    s.max_gap = ms("max_gap");
    s.max_lost = section.integer("max_lost");
    s.max_failed_percent = section["max_failed_percent"].as_number();
    if (section["max_failed"].is_integer()) s.max_failed = section["max_failed"].as_integer();
    s.max_reschedule = optional_ms(section, "max_reschedule");
    s.max_steady = optional_ms(section, "max_steady");
    return s;
}

std::vector<std::string> urls_without(const Settings& settings, const std::string& node) {
    const std::string address = settings.hosts[node].text("address");
    std::vector<std::string> out;
    for (const std::string& url : settings.urls)
        if (http::host_of(url) != address) out.push_back(url);
    return out.empty() ? settings.urls : out;
}

} // namespace hadeploy::chaos
