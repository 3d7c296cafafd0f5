#include "cli/commands.h"
#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "cli/render/text.h"
#include "cli/show_plan.h"
#include "core/clock.h"
#include "engine/observe.h"
#include "planner/plan/check_making.h"
#include "planner/plan/plan_checks.h"
#include "planner/plan/reads.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::cli {

namespace {

/// The file to check: a directory contains a spec or only a module.
std::filesystem::path file_to_check(const Context& context) {
    namespace fs = std::filesystem;
    if (!context.args.file.empty()) return context.args.file;
    const fs::path& directory = context.args.project.directory;
    const bool module = !fs::exists(directory / kSpecFile) && fs::exists(directory / kModuleFile);
    return module ? kModuleFile : kSpecFile;
}

} // namespace

int run_validate(Context& context) {
    const std::filesystem::path file = file_to_check(context);
    const std::vector<std::string> missing = context.project.load_to_check(file);
    if (!missing.empty())
        context.say(fmt::format("note: variables without a value are unknown here: {}\n",
                                fmt::join(missing, ", ")));
    tell_short_secrets(context);
    // without records, all known parts of every config are evaluated and checked
    PriorState nothing{.lineage = "00000000-0000-0000-0000-000000000000"};
    const Evaluation evaluation = evaluate_resources(context.project.graph(), nothing,
                                                     provider_settings(context.project.graph()));
    for (const std::string& notice : evaluation.notices) context.say("note: " + notice + "\n");
    const Graph::Values values = [&](NodeId id) { return evaluation.values[id]; };
    Diagnostics diagnostics;
    refuse_moved_but_there(context.project.graph(), diagnostics);
    refuse_removed_but_there(context.project.graph(), diagnostics);
    context.project.graph().check_output_rules(values, diagnostics);
    diagnostics.throw_if_any();
    std::vector<Error> warnings;
    for (NodeId id = 0; id < evaluation.configs.size(); ++id)
        if (!evaluation.configs[id].is_null())
            add_warnings(context.project.graph()[id], evaluation.configs[id], warnings);
    for (Error& broken : context.project.graph().broken_checks(values))
        warnings.push_back(std::move(broken));
    const Sources& sources = context.project.sources();
    if (!warnings.empty() && !context.args.json)
        context.say(render_warnings(warnings, sources, context.err) + "\n");
    const auto& nodes = context.project.graph().nodes();
    const auto data = static_cast<std::size_t>(std::count_if(
        nodes.begin(), nodes.end(), [](const Node& node) { return node.type->data; }));
    const std::size_t n = nodes.size() - data;
    if (context.args.json)
        context.print(json_line("info", "validate", "valid", now_ms(),
                                {{"resources", n},
                                 {"data_sources", data},
                                 {"variables_without_value", missing},
                                 {"warnings", errors_json(warnings, sources)}}) +
                      "\n");
    else
        context.print(fmt::format("The {} is valid: {}{}.\n",
                                  file == kModuleFile ? "module" : "spec", counted(n, "resource"),
                                  data == 0 ? "" : ", " + counted(data, "data source")));
    return 0;
}

} // namespace hadeploy::cli
