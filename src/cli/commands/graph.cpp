#include "cli/render/graph.h"
#include "cli/commands.h"
#include "engine/planning.h"

#include <cstdlib>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// Whether secrets can be read without a prompt.
bool has_vault_password(const Context& context) {
    if (!context.args.project.vault_password_file.empty()) return true;
    return std::getenv("HADEPLOY_VAULT_PASSWORD") != nullptr ||
           std::getenv("ANSIBLE_VAULT_PASSWORD_FILE") != nullptr;
}

/// The graph with the actions that apply would take according to the state, if they can be computed
/// without contacting anything or asking for a password.
Drawing drawing_with_changes(Context& context) {
    const Project& project = context.project;
    std::string why_not;
    try {
        if (!project.spec().secret_files.empty() && !has_vault_password(context))
            throw Error(ErrorKind::usage, "its secrets need a password");
        const auto store = project.open_store(Store::Mode::read_only);
        const PlannedRun prepared = plan_from_record(project.plan_source(), *store);
        return draw(project.graph(), &prepared.plan);
    } catch (const Error& errors) {
        why_not = errors.message;
    }
    context.say(fmt::format("note: drawn without planned changes: {}\n", why_not));
    return draw(project.graph());
}

} // namespace

int run_graph(Context& context) {
    const GraphFormat format =
        context.args.json ? GraphFormat::json
                          : parse_graph_format(context.args.format).value_or(GraphFormat::dot);
    const bool coloured = format == GraphFormat::html || format == GraphFormat::svg;
    context.project.load(coloured && has_vault_password(context) ? Project::Secrets::read
                                                                 : Project::Secrets::unread);
    const Drawing drawing =
        coloured ? drawing_with_changes(context) : draw(context.project.graph());
    context.print(render_drawing(drawing, format));
    return 0;
}

} // namespace hadeploy::cli
