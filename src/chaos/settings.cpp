#include "chaos/settings.h"

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
         .doc = "The swarm's managers: the cluster is watched and the node drained through the "
                "first of them that answers.",
         .required = true},
        {.name = "urls",
         .type = list_of(TypeKind::string),
         .doc = "Where the app is reached from outside, asked in turn: usually one URL a node.",
         .required = true,
         .min = 1},
        text("read", "Path of a read (GET); 2xx is success.", "/api/entities"),
        text("write", "Path of a write (POST); 2xx acknowledges it.", "/api/entities"),
        text("body", "JSON body of a write. `$ID` in it becomes the write's own id.",
             R"({"name": "chaos", "quantity": 1, "id": "$ID"})"),
        text("verify",
             "Path that tells the ids of all writes in the end: a JSON list of ids or of objects "
             "with an `id`, or `{\"writes\": list, \"next\": N}`, read on with `?after=N`.",
             "/api/writes"),
        {.name = "rate",
         .type = TypeKind::integer,
         .doc = "Reads a second, and as many writes.",
         .default_value = Value(10),
         .min = 1,
         .max = 500},
        duration("timeout", "How long one request may take.", 5'000, 10),
        duration(
            "baseline",
            "How long the app is measured before anything is done. It must not fail once; while "
            "it does, it is measured anew, for as long as `patience`.",
            5'000),
        duration("hold", "How long the node stays drained once its tasks have moved.", 5'000),
        duration("settle",
                 "How long the app has to answer without an error to count as steady again.", 2'000,
                 1),
        duration(
            "patience",
            "The longest wait for an app that is well, for tasks to move, for the steady state, "
            "for the last read.",
            180'000, 1),
        duration("poll", "Pause between two looks at the cluster.", 1'000, 1),
        duration("max_gap",
                 "Threshold: the longest time without a success, reads and writes apart.", 10'000),
        {.name = "max_lost",
         .type = TypeKind::integer,
         .doc = "Threshold: acknowledged writes that are not there in the end.",
         .default_value = Value(0),
         .min = 0},
        {.name = "max_failed",
         .type = TypeKind::integer,
         .doc = "Threshold: failed requests, reads and writes together. Not checked by default.",
         .min = 0},
        {.name = "max_reschedule",
         .type = TypeKind::duration,
         .doc = "Threshold: from the drain until all tasks run elsewhere. By default only "
                "`patience` counts.",
         .min = 0},
        {.name = "max_steady",
         .type = TypeKind::duration,
         .doc = "Threshold: from the node's return until all is as before. By default only "
                "`patience` counts.",
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
                diagnostics.add(fmt::format("{} is no URL", display(url)), url.loc())
                    .with_hint("write it with its scheme: \"http://10.77.0.11:5000\"");
    for (const std::string_view name : {"read", "write", "verify"})
        if (!begins_with(section[name], {"/"}))
            diagnostics.add(fmt::format("`{}` has to be a path that begins with a slash", name),
                            section[name].loc());
    const Value& body = section["body"];
    if (body.is_string() && body.as_string().find("$ID") == std::string::npos)
        diagnostics
            .add("`body` has no $ID, so that no write could be told from another", body.loc())
            .with_hint("put \"$ID\" where the app expects the write's id");
    if (section["hosts"].is_map() && section["hosts"].as_map().empty())
        diagnostics.add("`hosts` is empty", section["hosts"].loc());
}

Settings parse_settings(const Value& section) {
    const auto ms = [&](std::string_view name) { return Ms(section.integer(name)); };
    Settings s;
    s.hosts = section["hosts"];
    for (const Value& url : section["urls"].as_list()) s.urls.push_back(url.as_string());
    s.read = section.text("read");
    s.write = section.text("write");
    s.body = section.text("body");
    s.verify = section.text("verify");
    s.rate = static_cast<int>(section.integer("rate"));
    s.timeout = ms("timeout");
    s.baseline = ms("baseline");
    s.hold = ms("hold");
    s.settle = ms("settle");
    s.patience = ms("patience");
    s.poll = ms("poll");
    s.max_gap = ms("max_gap");
    s.max_lost = section.integer("max_lost");
    if (section["max_failed"].is_integer()) s.max_failed = section["max_failed"].as_integer();
    s.max_reschedule = optional_ms(section, "max_reschedule");
    s.max_steady = optional_ms(section, "max_steady");
    return s;
}

} // namespace hadeploy::chaos
