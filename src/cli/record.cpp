#include "cli/record.h"

#include "cli/origin.h"
#include "cli/render/errors.h"
#include "cli/render/plan_text.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/local_paths.h"
#include "planner/spec/variables.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// A longer plan is recorded as a summary, as each run adds one to the state.
constexpr std::size_t kMostShownSteps = 1000;

/// Makes paths inside the project relative, as in records of resources.
Value as_value(const ProviderSettings& settings, const Project& project) {
    Value::Map out;
    for (const auto& [name, value] : settings) {
        const Provider* provider = project.registry().provider(name);
        out.push_back({name, provider == nullptr
                                 ? value
                                 : with_paths_in(provider->schema, value, project.root())});
    }
    return Value::map(std::move(out));
}

/// The record of the last run with its provider settings; null if they are not known.
Value last_run(const Context& context, const Store& store) {
    const std::vector<Run> runs = store.runs();
    if (runs.empty() || !runs.back().spec.is_map()) return {};
    const Value& record = runs.back().spec;
    if (record.has("settings")) return record;
    try { // older versions recorded only the spec
        Project then(context.registry, context.project.options());
        load_record(record, then);
        return record.with("settings", as_value(then.settings(), then));
    } catch (const Error&) {
        return {};
    }
}

/// The first error in one line, with the number of others.
std::string in_a_line(const std::vector<Error>& errors, const Sources& sources) {
    const Error& first = *in_order(errors).front();
    std::string out =
        first.loc.known() ? sources.describe(first.loc) + ": " + first.message : first.message;
    if (errors.size() > 1) out += fmt::format(" (and {} more)", errors.size() - 1);
    return out;
}

} // namespace

Value variables_record(const Project& project) {
    Schema schema;
    for (const Variable& v : project.spec().root.variables) schema.push_back(v.attribute);
    return with_paths_in(schema, project.variables(), project.root());
}

Value spec_record(const Project& project, const PlannedRun& prepared) {
    const Plan& plan = prepared.plan;
    const Value shown =
        project.hidden(render_plan(plan, Style{}, {.summary = plan.size() > kMostShownSteps}));
    const Value common = Value::map({{"destroy", plan.destroy},
                                     {"partial", plan.partial},
                                     {"origin", run_origin(project.options().directory)},
                                     {"planned", project.plan_origin()},
                                     {"plan", shown}});
    if (!project.last_run().is_null()) return project.last_run().with_all(common);
    Value::Map files;
    for (const Sources::File& f : project.sources().files())
        if (!f.given)
            files.push_back({project.from_directory(f.path).string(), Value(f.text).as_secret()});
    Value::Map moves;
    for (const auto& [from, to] : plan.moves) moves.push_back({from, Value(to)});
    return Value::map({{"files", Value::map(std::move(files))},
                       {"moves", Value::map(std::move(moves))},
                       {"variables", variables_record(project)},
                       {"secrets", project.spec().secrets},
                       {"settings", as_value(prepared.settings, project)},
                       {"saved_plans_only", project.saved_plans_only()}})
        .with_all(common);
}

std::vector<Moves> moves_back(const std::vector<Run>& runs, std::int64_t to) {
    std::vector<Moves> out;
    for (auto run = runs.rbegin(); run != runs.rend() && run->id > to; ++run) {
        Moves back;
        if (run->spec["moves"].is_map())
            for (const Entry& e : run->spec["moves"].as_map())
                back.emplace(e.value.as_string(), e.key);
        if (!back.empty()) out.push_back(std::move(back));
    }
    return out;
}

bool load_record(const Value& record, Project& project) {
    if (!record["files"].is_map() || !record["variables"].is_map())
        throw Error(ErrorKind::state, "the history does not contain the inputs of this run")
            .with_hint("it was recorded by an older hadeploy, or altered since; choose a different "
                       "run (`hadeploy history`), or change the spec and apply it");
    if (record.flag("partial"))
        throw Error(ErrorKind::usage, "this run applied only a part of its spec")
            .with_hint("choose a run without targets or exclusions; `hadeploy history` lists them");
    const FileReader read = [&](const std::filesystem::path& path) {
        const std::string name = project.from_directory(path).string();
        const Value* text = record["files"].find(name);
        if (text == nullptr)
            throw Error(ErrorKind::state,
                        fmt::format("the history does not contain {} of this run", name));
        return text->as_string();
    };
    VariableValues variables;
    for (const Entry& e : record["variables"].as_map()) variables[e.key] = e.value;
    project.load_from(read, variables, record["secrets"]);
    return record.flag("destroy");
}

void load_for_removal(Context& context) {
    Project& project = context.project;
    std::vector<Error> wrong;
    try {
        return project.load();
    } catch (const Error& errors) {
        wrong = errors.all();
    }
    const bool usage = std::any_of(wrong.begin(), wrong.end(),
                                   [](const Error& e) { return e.kind == ErrorKind::usage; });
    if (usage) throw Error(std::move(wrong));
    const auto store = project.open_store(Store::Mode::read_only);
    if (!store->existed()) throw Error(std::move(wrong));
    const Value last = last_run(context, *store);
    if (last.is_null()) {
        wrong.front().with_note("without the spec, provider settings come from the history, which "
                                "has no run with settings");
        throw Error(std::move(wrong));
    }
    context.say(fmt::format("note: the spec cannot be used, so only the state is used: {}\n",
                            in_a_line(wrong, project.sources())));
    project.load_without_spec(store->project(), last);
}

} // namespace hadeploy::cli
