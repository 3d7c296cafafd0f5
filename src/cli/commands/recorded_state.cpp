#include "cli/commands/recorded_state.h"

#include "cli/render/text.h"
#include "core/value_json.h"
#include "planner/spec/address.h"

#include <exception>
#include <fmt/format.h>

namespace hadeploy::cli {

std::unique_ptr<Store> recorded_state(Context& context) {
    Project& project = context.project;
    std::exception_ptr wrong;
    try {
        project.load(Project::Secrets::unread);
    } catch (const Error&) {
        wrong = std::current_exception();
    }
    auto store = project.open_store_of("", Store::Mode::read_only);
    if (wrong && !store->existed()) std::rethrow_exception(wrong);
    return store;
}

std::vector<Run> recorded_runs(const Project& project) {
    return project.open_store_of("", Store::Mode::read_only)->runs();
}

std::vector<std::string> addresses_of(const std::vector<RecordedResource>& rows) {
    std::vector<std::string> out;
    for (const RecordedResource& r : rows) out.push_back(r.address);
    return out;
}

Error not_recorded(const std::string& address, const std::vector<RecordedResource>& rows) {
    return unknown_address(fmt::format("the state has no {}", address), address, addresses_of(rows),
                           "`hadeploy state list` lists all addresses");
}

const Run& run_of(const std::vector<Run>& runs, std::int64_t number) {
    const auto run =
        std::find_if(runs.begin(), runs.end(), [&](const Run& r) { return r.id == number; });
    if (run != runs.end()) return *run;
    throw Error(ErrorKind::usage, fmt::format("there is no run {}", number))
        .with_hint(runs.empty() ? "nothing has been applied yet" : "`hadeploy history` lists them");
}

nlohmann::json row_json(const RecordedResource& row) {
    return {{"address", row.address},
            {"type", row.type},
            {"generation", row.generation},
            {"identity", row.identity},
            {"tainted", row.tainted},
            {"depends_on", row.depends_on},
            {"attributes", nlohmann::json::parse(to_public_json(row.attributes))}};
}

std::string row_text(const RecordedResource& row) {
    std::string out =
        fmt::format("{} ({}){}\n", row.address, row.type, row.tainted ? ", tainted" : "");
    for (const Entry& e : row.attributes.as_map())
        if (!e.value.is_null())
            out += fmt::format("  {} = {}\n", e.key, printable(display(e.value), true));
    return out;
}

} // namespace hadeploy::cli
