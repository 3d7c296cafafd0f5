#include "engine/import.h"

#include "cli/commands.h"
#include "cli/render/plan_json.h"

#include <fmt/format.h>

namespace hadeploy::cli {

int run_import(Context& context) {
    context.project.load();
    const Project& project = context.project;
    const auto store = project.open_store(Store::Mode::read_write);
    context.lock(*store, "import");
    const World world = load_world(*store);
    const ProviderSettings settings = provider_settings(project.graph());
    Endpoints endpoints(context.registry, project.setting(world.lineage));
    const auto progress = context.progress(0);
    const Recorded imported = import_resource(context.args.name, context.args.id, project.graph(),
                                              world, settings, endpoints, *progress);
    progress->finish();
    store->put(rows_of({imported}), {});
    if (context.args.json)
        context.print(json_line("info", "imported", "imported", 0,
                                {{"address", imported.address},
                                 {"id", imported.identity},
                                 {"serial", store->serial()}}) +
                      "\n");
    else
        context.say(fmt::format("{} is in the state now; `hadeploy plan` tells what differs from "
                                "the spec.\n",
                                imported.address));
    return 0;
}

} // namespace hadeploy::cli
