#include "planner/plan/import.h"

#include "cli/commands.h"
#include "cli/render/plan_json.h"
#include "cli/stop_on_signal.h"
#include "core/clock.h"
#include "planner/spec/address.h"

#include <fmt/format.h>

namespace hadeploy::cli {

int run_import(Context& context) {
    Project& project = context.project;
    project.load();
    std::vector<std::string> known;
    for (const Node& n : project.graph().nodes()) known.push_back(n.address);
    const std::string address = resolve_address(context.args.name, known);
    project.add_import(address, context.args.id);
    Diagnostics diagnostics;
    if (!project.has_state()) // opening the store would create one
        check_imports(project.graph(), diagnostics);
    diagnostics.throw_if_any();
    const auto store = project.open_store(Store::Mode::read_write);
    context.lock(*store, "import");
    if (load_prior_state(*store).recorded.contains(address)) {
        Error error(ErrorKind::usage, "the state already contains it");
        error.address = address;
        throw std::move(error).with_hint(
            "`hadeploy state rm` removes it from the state and keeps the object");
    }
    const auto progress = context.progress(0);
    const PlannedRun prepared =
        read_and_plan_or_stop(project, *store, {.targets = {address}}, *progress);
    progress->finish();
    const RecordedResource record = imported(address, prepared.plan, project.graph());
    store->put({record}, {});
    if (context.args.json)
        context.print(json_line("info", "imported", "imported", now_ms(),
                                {{"address", record.address},
                                 {"id", record.identity},
                                 {"serial", store->serial()}}) +
                      "\n");
    else
        context.say(fmt::format("{} was imported into the state; `hadeploy plan` shows its "
                                "differences from the spec.\n",
                                record.address));
    return 0;
}

} // namespace hadeploy::cli
