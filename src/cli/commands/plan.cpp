#include "cli/commands.h"
#include "cli/plan_file.h"
#include "cli/record.h"
#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "cli/render/plan_text.h"
#include "cli/render/text.h"
#include "cli/shortcut.h"
#include "cli/stop_on_signal.h"
#include "core/clock.h"
#include "core/secrecy.h"
#include "planner/plan/check_making.h"
#include "planner/plan/plan_checks.h"
#include "planner/plan/prior_state.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace hadeploy::cli {

void tell_short_secrets(const Context& context) {
    std::vector<std::string> names = short_secrets(context.project.variables(), "var");
    for (std::string& name : short_secrets(context.project.spec().secrets, "secret"))
        names.push_back(std::move(name));
    if (names.empty()) return;
    context.say(fmt::format("note: too short to be hidden in the output of commands: {}; a secret "
                            "needs at least 4 characters\n",
                            fmt::join(names, ", ")));
}

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
    // without records, every config is evaluated and checked as far as it is known
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
    if (!warnings.empty())
        context.say(render_warnings(warnings, context.project.sources(), context.err) + "\n");
    const auto& nodes = context.project.graph().nodes();
    const auto data = static_cast<std::size_t>(std::count_if(
        nodes.begin(), nodes.end(), [](const Node& node) { return node.type->data; }));
    const std::size_t n = nodes.size() - data;
    if (context.args.json)
        context.print(
            json_line(
                "info", "validate", "valid", now_ms(),
                {{"resources", n}, {"data_sources", data}, {"variables_without_value", missing}}) +
            "\n");
    else
        context.print(fmt::format("The {} is valid: {}{}.\n",
                                  file == kModuleFile ? "module" : "spec", counted(n, "resource"),
                                  data == 0 ? "" : ", " + counted(data, "data source")));
    return 0;
}

void print_plan(const Context& context, const Plan& plan) {
    const Sources& sources = context.project.sources();
    if (context.args.json) return context.print(plan_json(plan, sources).dump() + "\n");
    context.print(render_plan(plan, context.out, {context.args.summary, context.args.unfold}));
    if (!plan.warnings.empty())
        context.print("\n" + render_warnings(plan.warnings, sources, context.out));
}

std::optional<Plan> unchanged_plan(const Context& context) {
    const auto heeds_signals = context.progress(0); // a read can hang
    return known_unchanged(context.project, context.args.plan);
}

int run_plan(Context& context) {
    if (context.args.out.empty())
        if (const auto nothing = unchanged_plan(context)) return print_plan(context, *nothing), 0;
    context.args.plan.destroy ? load_for_removal(context) : context.project.load();
    tell_short_secrets(context);
    // a plan to be applied later needs a state
    const auto store = context.project.open_store(
        context.args.out.empty() ? Store::Mode::read_only : Store::Mode::read_write);
    const auto progress = context.progress(0);
    const PlannedRun prepared =
        read_and_plan_or_stop(context.project, *store, context.args.plan, *progress);
    progress->finish();
    note_unchanged(context.project, context.args.plan, *store, prepared);
    print_plan(context, prepared.plan);
    if (!context.args.out.empty()) {
        save_plan(context.args.out, context.project, context.args.plan, prepared);
        context.say(fmt::format("Plan saved. To apply exactly this plan: hadeploy apply {}\n",
                                context.args.out.string()));
    }
    return context.args.detailed_exitcode && !prepared.plan.empty() ? 2 : 0;
}

} // namespace hadeploy::cli
