#include "cli/commands.h"
#include "cli/docs/docs.h"
#include "cli/plan_file.h"
#include "cli/render/graph.h"
#include "cli/render/plan_json.h"
#include "cli/render/plan_text.h"
#include "cli/render/report.h"
#include "core/did_you_mean.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

namespace {

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
        if (!e.value.is_null()) out += fmt::format("  {} = {}\n", e.key, display(e.value));
    return out;
}

std::vector<std::string> addresses_of(const std::vector<RecordedResource>& rows) {
    std::vector<std::string> out;
    for (const RecordedResource& r : rows) out.push_back(r.address);
    return out;
}

Error not_recorded(const std::string& address, const std::vector<RecordedResource>& rows) {
    return unknown_address(fmt::format("the state has no {}", address), address, addresses_of(rows),
                           "`hadeploy state list` lists all");
}

/// Opens the state even if the spec is invalid: the spec only supplies the secrets to redact.
/// @throws Error of the spec if there is no state, because this can be the wrong directory
std::unique_ptr<Store> recorded_state(Context& context) {
    Project& project = context.project;
    const bool recorded = std::filesystem::exists(project.state_file());
    try {
        project.load(Project::Secrets::unread);
    } catch (const Error&) {
        if (!recorded) throw;
    }
    return project.open_store_of("", Store::Mode::read_only);
}

/// The bare text of a scalar output, for scripts.
std::string raw_text(const std::string& name, const Value& value, bool show_secrets) {
    if (value.contains_secret() && !show_secrets)
        throw Error(ErrorKind::failed, fmt::format("the output \"{}\" is secret", name))
            .with_hint(
                "pass it to the resource that needs it as an attribute; --show-secrets prints it");
    if (value.is_list() || value.is_map() || value.is_null())
        throw Error(ErrorKind::usage,
                    fmt::format("the output \"{}\" is {}, which --raw cannot print", name,
                                value.kind_name()))
            .with_hint("use --json");
    return value.is_string() ? value.as_string() : display(value);
}

} // namespace

int run_show(Context& context) {
    if (!context.args.plan_file.empty()) {
        const PlanFile plan = load_plan(context.args.plan_file, context.project.key_source());
        const auto store = context.project.open_store_of(plan.project, Store::Mode::read_only);
        const PlannedRun prepared = restore_plan(plan, context.project, *store);
        print_plan(context, prepared.plan);
        return 0;
    }
    const auto store = recorded_state(context);
    for (const RecordedResource& row : store->rows())
        context.print(context.args.json ? row_json(row).dump() + "\n" : row_text(row));
    if (!context.args.json) context.print(render_outputs(store->outputs(), context.out));
    return 0;
}

int run_output(Context& context) {
    const auto store = recorded_state(context);
    const Value outputs = store->outputs();
    const std::string& name = context.args.name;
    if (name.empty()) {
        context.print(context.args.json ? to_public_json(outputs) + "\n"
                                        : render_outputs(outputs, context.out));
        return 0;
    }
    const Value* found = outputs.find(name);
    if (found == nullptr) {
        std::vector<std::string> known;
        for (const Entry& e : outputs.is_map() ? outputs.as_map() : Value::Map{})
            known.push_back(e.key);
        Error error(ErrorKind::usage, fmt::format("there is no output \"{}\"", name));
        if (const auto close = did_you_mean(name, known))
            error.hint = fmt::format("did you mean \"{}\"?", *close);
        else if (known.empty())
            error.hint = "nothing has been applied yet";
        else
            error.hint = fmt::format("there are: {}", fmt::join(known, ", "));
        throw error;
    }
    if (context.args.raw) {
        const std::string text = raw_text(name, *found, context.args.show_secrets);
        return found->contains_secret() ? context.print_secret(text) : context.print(text), 0;
    }
    context.print((context.args.json ? to_public_json(*found) : display(*found)) + "\n");
    return 0;
}

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

int run_state_list(Context& context) {
    const auto store = recorded_state(context);
    const std::vector<RecordedResource> rows = store->rows();
    std::vector<std::string> only;
    for (const std::string& given : context.args.addresses)
        only.push_back(resolve_address(given, addresses_of(rows)));
    for (const std::string& address : only)
        if (std::none_of(rows.begin(), rows.end(),
                         [&](const RecordedResource& r) { return within(r.address, address); }))
            throw not_recorded(address, rows);
    for (const RecordedResource& row : rows) {
        if (!only.empty() && std::none_of(only.begin(), only.end(), [&](const std::string& a) {
                return within(row.address, a);
            }))
            continue;
        context.print(context.args.json ? row_json(row).dump() + "\n" : row.address + "\n");
    }
    return 0;
}

int run_state_show(Context& context) {
    const auto store = recorded_state(context);
    const std::vector<RecordedResource> rows = store->rows();
    const auto row = store->row(resolve_address(context.args.name, addresses_of(rows)));
    if (!row) throw not_recorded(context.args.name, rows);
    context.print(context.args.json ? row_json(*row).dump() + "\n" : row_text(*row));
    return 0;
}

int run_docs(Context& context) {
    const std::string& name = context.args.name;
    if (context.args.markdown) return context.print(reference_markdown(context.registry)), 0;
    if (context.args.commands) return context.print(commands_markdown(command_tree())), 0;
    if (context.args.man) return context.print(man_page(command_tree())), 0;
    if (name.empty()) return context.print(render_type_list(context.registry, context.out)), 0;
    if (name == "chaos") return context.print(render_chaos(context.out)), 0;
    if (name == "functions") return context.print(render_functions(context.out)), 0;
    if (const ResourceType* type = context.registry.type(name))
        return context.print(render_type(*type, context.out)), 0;
    if (const Provider* kind = context.registry.provider(name))
        return context.print(render_provider(*kind, context.out)), 0;
    std::vector<std::string> known;
    for (const auto& t : context.registry.types()) known.push_back(t->name);
    Error error(ErrorKind::usage, fmt::format("there is no resource type \"{}\"", name));
    std::vector<std::string> family;
    for (const std::string& type : known)
        if (type.starts_with(name)) family.push_back(type);
    if (!family.empty())
        error.hint = fmt::format("there are: {}", fmt::join(family, ", "));
    else if (const auto close = did_you_mean(name, known))
        error.hint = fmt::format("did you mean {}?", *close);
    else
        error.hint = "`hadeploy docs` lists all types";
    throw error;
}

int run_schema(Context& context) {
    context.print(spec_schema(context.registry, context.args.module).dump(2) + "\n");
    return 0;
}

} // namespace hadeploy::cli
