#include "cli/show_plan.h"

#include "cli/render/errors.h"
#include "cli/render/graph_html.h"
#include "cli/render/plan_json.h"
#include "cli/render/plan_text.h"
#include "core/file.h"
#include "core/secrecy.h"
#include "core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

nlohmann::json json_of_plan(const Context& context, const Plan& plan) {
    nlohmann::json out = plan_json(plan, context.project.sources());
    if (context.project.has_environments()) out["environment"] = context.project.environment();
    return out;
}

void print_environment(const Context& context) {
    const Project& project = context.project;
    if (!context.args.json && project.has_environments())
        context.print(fmt::format("Environment: {}\n\n", project.environment()));
}

void tell_unread_environments(const Context& context) {
    (void)context.project.elsewhere();
    for (const auto& [name, reason] : context.project.unread_environments())
        context.say(fmt::format("note: the plan cannot tell which objects belong to the "
                                "environment {}: {}\n",
                                in_quotes(name), reason));
}

void print_plan(const Context& context, const Plan& plan) {
    const Sources& sources = context.project.sources();
    if (context.args.json) return context.print(json_of_plan(context, plan).dump() + "\n");
    print_environment(context);
    context.print(render_plan(plan, context.out, {context.args.summary, context.args.unfold}));
    if (!plan.warnings.empty())
        context.print("\n" + render_warnings(plan.warnings, sources, context.out));
}

void write_plan_page(const Context& context, const Plan& plan, const std::string& project) {
    if (context.args.html.empty()) return;
    const std::string_view what = plan.destroy        ? "removal"
                                  : plan.refresh_only ? "changes outside hadeploy"
                                                      : "plan";
    // the steps of a removal have no node, and a removal may have no spec
    const Graph* graph = plan.destroy ? nullptr : &context.project.graph();
    write_file(context.args.html,
               plan_html(graph, plan, fmt::format("hadeploy: {} of {}", what, project),
                         render_warnings(plan.warnings, context.project.sources(), {}),
                         [&](std::string_view text) { return context.project.hidden(text); }));
}

void tell_new_state(const Context& context, const Store& store, Store::Mode mode) {
    const StateLocation location = context.project.state_location();
    if (store.existed() || location.in_file()) return;
    context.say(fmt::format(
        "note: the schema {} of the database had no state: {}\n", in_quotes(location.schema),
        mode == Store::Mode::read_write ? "a new one was created" : "the first apply creates it"));
}

void tell_short_secrets(const Context& context) {
    std::vector<std::string> names = short_secrets(context.project.variables(), "var");
    for (std::string& name : short_secrets(context.project.spec().secrets, "secret"))
        names.push_back(std::move(name));
    if (names.empty()) return;
    context.say(fmt::format("note: too short to be hidden in the output of commands: {}; a secret "
                            "needs at least 4 characters\n",
                            fmt::join(names, ", ")));
}

} // namespace hadeploy::cli
