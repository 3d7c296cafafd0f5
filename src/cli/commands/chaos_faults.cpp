// `hadeploy chaos list` and `halt`.
#include "chaos/report.h"
#include "cli/chaos_fault.h"
#include "cli/commands.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

namespace {

std::string json_of(std::string_view type, const std::vector<fault::Record>& records,
                    const std::vector<std::string>& unread) {
    nlohmann::ordered_json out{{"type", type}};
    out["faults"] = nlohmann::ordered_json::array();
    for (const fault::Record& r : records)
        out["faults"].push_back({{"node", r.node},
                                 {"kind", r.kind},
                                 {"since_s", r.since.count()},
                                 {"undo_in_s", r.left.count()},
                                 {"undo_armed", r.armed}});
    out["unread"] = unread;
    return out.dump() + "\n";
}

std::string line_of(const fault::Record& r) {
    const std::string undo = !r.armed ? "its undo is not armed: end it with `hadeploy chaos halt`"
                             : r.left.count() > 0 ? "undo in " + chaos::show_time(r.left)
                                                  : "undo in progress";
    return fmt::format("{:<12}  {:<12}  active for {:<12}  {}\n", r.node, r.kind,
                       chaos::show_time(r.since), undo);
}

} // namespace

int run_chaos_list(Context& context) {
    context.project.load();
    ChaosProject project(context);
    const chaos::Faults::Listing listing = project.faults->list();
    if (context.args.json) {
        context.print(json_of("chaos_faults", listing.active, listing.unread));
    } else {
        for (const fault::Record& record : listing.active) context.print(line_of(record));
        if (listing.active.empty() && listing.unread.empty())
            context.print("No fault is active.\n");
        for (const std::string& problem : listing.unread)
            context.say(fmt::format("cannot be queried: {}\n", problem));
    }
    return listing.unread.empty() ? 0 : 1;
}

int run_chaos_halt(Context& context) {
    context.project.load();
    ChaosProject project(context);
    const std::vector<fault::Record> ended = project.faults->halt();
    if (context.args.json) {
        context.print(json_of("chaos_halt", ended, {}));
        return 0;
    }
    for (const fault::Record& record : ended)
        context.print(fmt::format("ended: {} of {}\n", record.kind, record.node));
    if (ended.empty()) context.print("No fault is active.\n");
    return 0;
}

} // namespace hadeploy::cli
