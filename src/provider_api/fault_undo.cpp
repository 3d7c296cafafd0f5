#include "provider_api/fault_undo.h"

#include "embedded/fault_undo.h"

#include <fmt/format.h>
#include <sstream>

namespace hadeploy::fault {

namespace {

std::string assign(std::string_view name, std::string_view text) {
    return fmt::format("{}={}\n", name, quoted(text));
}

std::string functions(std::string_view directory) {
    return std::string(embedded::fault_undo) + assign("fault_dir", directory);
}

} // namespace

std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string arm(const Undo& undo) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(undo.after).count();
    return functions(undo.directory) + assign("fault_node", undo.node) +
           assign("fault_kind", undo.kind) + assign("fault_lineage", undo.lineage) +
           assign("fault_seconds", std::to_string(seconds)) + assign("fault_hold", undo.hold) +
           assign("fault_undo", undo.script) + "fault_arm\n";
}

std::string end(std::string_view directory, std::string_view node, std::string_view kind,
                std::string_view lineage) {
    return functions(directory) + assign("fault_node", node) + assign("fault_kind", kind) +
           assign("fault_lineage", lineage) + "fault_end \"$fault_dir/fault.$fault_node\"\n";
}

std::string list(std::string_view directory) {
    return functions(directory) + "fault_list\n";
}

std::vector<Record> parse(std::string_view text) {
    std::vector<Record> out;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string head, armed;
        long since = 0, left = 0;
        Record record;
        words >> head >> record.node >> record.kind >> record.lineage >> since >> left >> armed;
        if (!words || head != "fault") continue;
        record.since = std::chrono::seconds(since);
        record.left = std::chrono::seconds(left);
        record.armed = armed == "yes";
        out.push_back(std::move(record));
    }
    return out;
}

Attribute faults_attribute() {
    return {.name = "faults",
            .type = list_of(TypeKind::any),
            .doc = "For each fault: node, kind, lineage of the state, seconds since its start, "
                   "seconds left until its undo, and whether the undo is armed.",
            .computed = true};
}

Value to_value(const std::vector<Record>& records) {
    Value::List out;
    for (const Record& r : records)
        out.push_back(Value::map({{"node", r.node},
                                  {"kind", r.kind},
                                  {"lineage", r.lineage},
                                  {"since", static_cast<std::int64_t>(r.since.count())},
                                  {"left", static_cast<std::int64_t>(r.left.count())},
                                  {"armed", r.armed}}));
    return Value::list(std::move(out));
}

std::vector<Record> from_value(const Value& list) {
    std::vector<Record> out;
    if (!list.is_list()) return out;
    for (const Value& r : list.as_list())
        out.push_back({r.text("node"), r.text("kind"), r.text("lineage"),
                       std::chrono::seconds(r.integer("since")),
                       std::chrono::seconds(r.integer("left")), r.flag("armed")});
    return out;
}

} // namespace hadeploy::fault
