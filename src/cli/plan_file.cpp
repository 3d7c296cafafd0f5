#include "cli/plan_file.h"

#include "cli/environment.h"
#include "cli/origin.h"
#include "cli/record.h"
#include "cli/version.h"
#include "core/file.h"
#include "core/text.h"
#include "core/value_json.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/load_spec.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

namespace {

using nlohmann::json;
constexpr int kPlanFileFormat = 6; ///< one line of header, one line of encrypted body

json options_json(const PlanOptions& o) {
    return {{"destroy", o.destroy}, {"refresh", o.refresh}, {"refresh_only", o.refresh_only},
            {"targets", o.targets}, {"exclude", o.exclude}, {"replace", o.replace}};
}

PlanOptions options_of(const json& j) {
    return {.destroy = j.at("destroy").get<bool>(),
            .refresh = j.at("refresh").get<bool>(),
            .refresh_only = j.at("refresh_only").get<bool>(),
            .targets = j.at("targets").get<std::vector<std::string>>(),
            .exclude = j.at("exclude").get<std::vector<std::string>>(),
            .replace = j.at("replace").get<std::vector<std::string>>()};
}

json observation_json(const std::string& type, const Observation& o, const Form& form) {
    json out{{"type", type},
             {"state", static_cast<int>(o.state)},
             {"attributes", to_json(form.kept(type, o.attributes))}};
    if (!o.foreign.empty()) out["foreign"] = o.foreign;
    if (!o.replace_reason.empty()) out["outdated"] = o.replace_reason;
    if (o.data_gone) out["data_gone"] = true;
    if (o.assumed) out["assumed"] = true;
    if (o.error) out["error"] = o.error->message;
    return out;
}

SavedObservation read_observation(const json& j) {
    SavedObservation saved;
    Observation& o = saved.seen;
    const int state = j.at("state").get<int>();
    if (state < 0 || state > static_cast<int>(Observation::State::blocked))
        throw Error(ErrorKind::state, fmt::format("a resource has the invalid state {}", state))
            .with_hint("create the plan again: hadeploy plan --out FILE");
    o.state = static_cast<Observation::State>(state);
    saved.type = j.at("type");
    o.attributes = from_json(j.at("attributes").get<std::string>());
    o.foreign = j.value("foreign", "");
    o.replace_reason = j.value("outdated", "");
    o.data_gone = j.value("data_gone", false);
    o.assumed = j.value("assumed", false);
    if (j.contains("error")) o.error = Error(ErrorKind::failed, j["error"].get<std::string>());
    return saved;
}

ChangeKind change_of(const json& j) {
    const auto name = j.get<std::string>();
    if (const auto kind = change_named(name)) return *kind;
    throw Error(ErrorKind::state, fmt::format("a resource has the invalid change {}", name))
        .with_hint("create the plan again: hadeploy plan --out FILE");
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
    throw Error(ErrorKind::state, fmt::format("{}: {}", file.string(), why))
        .with_hint("create it again: hadeploy plan --out " + file.string());
}

/// Interrupted changes by their addresses in the state.
std::map<std::string, ChangeKind> interrupted_in_state(const PriorState& prior) {
    std::map<std::string, std::string> now;
    std::map<std::string, ChangeKind> out;
    for (const auto& [from, to] : prior.moved) now[to] = from;
    for (const auto& [address, action] : prior.interrupted) {
        const auto moved = now.find(address);
        out[moved == now.end() ? address : moved->second] = action;
    }
    return out;
}

Value header_of(const std::filesystem::path& file, const std::string& line) {
    try {
        if (Value header = from_json(line); header.has("format")) return header;
    } catch (const Error&) { // reported below
    }
    refuse(file, "this is not a saved plan, or it is truncated");
}

std::string open_body(const std::filesystem::path& file, const std::string& lock,
                      const KeySource& key, const std::string& header, std::string_view sealed) {
    const Cipher cipher = Cipher::load(lock, key, "the saved plan " + file.string());
    try {
        return cipher.open(sealed, header);
    } catch (const Error&) {
        refuse(file, "the saved plan was altered or truncated");
    }
}

/// @throws json::exception, Error if the authentic body does not have the expected form
void read_body(const json& body, PlanFile& out) {
    out.lineage = body.at("lineage");
    out.state = body.at("state");
    out.directory = body.at("directory");
    out.serial = body.at("serial");
    out.plan_time = body.at("plan_time");
    out.origin = from_json(body.at("origin").get<std::string>());
    for (const auto& [address, kind] : body.at("interrupted").items())
        out.interrupted[address] = change_of(kind);
    out.options = options_of(body.at("options"));
    out.files = body.at("files").get<std::map<std::string, std::string>>();
    const Value variables = from_json(body.at("variables").get<std::string>());
    if (variables.is_map())
        for (const Entry& e : variables.as_map()) out.variables[e.key] = e.value;
    out.secrets = from_json(body.at("secrets").get<std::string>());
    if (body.contains("last_run")) out.last_run = from_json(body["last_run"].get<std::string>());
    for (const auto& [address, o] : body.at("observed").items())
        out.observed[address] = read_observation(o);
    out.digests = body.at("digests").get<PlanDigests>();
}

} // namespace

namespace {
/// Refuses to overwrite anything but a saved plan: a mistyped name must not destroy a spec or
/// state.
void refuse_other_file(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return;
    if (std::filesystem::is_regular_file(file, ignored)) {
        if (std::filesystem::file_size(file, ignored) == 0) return;
        const std::string all = hadeploy::read_file(file, std::size_t{256} << 20);
        try {
            if (from_json(all.substr(0, all.find('\n'))).has("key_lock")) return;
        } catch (const Error&) { // reported below
        }
    }
    throw Error(ErrorKind::usage,
                fmt::format("--out {}: this file is not a saved plan", file.string()))
        .with_hint("choose another name, or remove the file first");
}
} // namespace

namespace {
/// The texts of the spec and its modules. The values of variables from other files are saved on
/// their own.
json spec_files(const Project& project) {
    const std::vector<std::filesystem::path> given = project.variable_files();
    json out = json::object();
    for (const Sources::File& f : project.sources().files())
        if (!f.given && std::find(given.begin(), given.end(), f.path) == given.end())
            out[project.from_directory(f.path).string()] = f.text;
    return out;
}

json observations_json(const Project& project, const PriorState& prior) {
    const Form form = project.form();
    const auto type_of = [&](const std::string& address) -> std::string {
        if (const auto node = project.graph().find(address))
            return project.graph()[*node].type->name;
        const auto recorded = prior.recorded.find(address);
        return recorded == prior.recorded.end() ? "" : recorded->second.type;
    };
    json out = json::object();
    for (const auto& [address, o] : prior.observed)
        out[address] = observation_json(type_of(address), o, form);
    return out;
}
} // namespace

void save_plan(const std::filesystem::path& file, const Project& project,
               const PlanOptions& options, const PlannedRun& prepared) {
    refuse_other_file(file);
    const StateLocation location = project.state_location();
    json body{{"lineage", prepared.prior.lineage},
              {"state", location.in_file() ? "" : location.text()},
              {"directory", project.root()},
              {"serial", prepared.prior.serial},
              {"origin", to_json(run_origin(project.options().directory))},
              {"options", options_json(options)},
              {"files", spec_files(project)},
              {"variables", to_json(variables_record(project))},
              {"secrets", to_json(project.spec().secrets)},
              {"observed", observations_json(project, prepared.prior)},
              {"digests", plan_digests(prepared.plan, project)},
              {"interrupted", json::object()},
              {"plan_time", project.spec().plan_time}};
    for (const auto& [address, kind] : interrupted_in_state(prepared.prior))
        body["interrupted"][address] = change_name(kind);
    if (!project.last_run().is_null()) body["last_run"] = to_json(project.last_run());
    const Cipher cipher = Cipher::make(project.key_source());
    const std::string header = json{
        {"hadeploy", kVersion},
        {"format", kPlanFileFormat},
        {"project", project.owner()},
        {"key_lock",
         cipher.encrypted_key()}}.dump();
    write_file(file, header + "\n" + cipher.seal(body.dump(), header) + "\n");
}

namespace {
/// The header names the environment, because the key of a different one does not open the body.
void refuse_other_environment(const std::string& planned, const std::string& here,
                              const std::filesystem::path& file) {
    if (planned == here) return;
    throw Error(ErrorKind::usage,
                fmt::format("{}: the saved plan is for the environment {}, and this is {}",
                            file.string(), in_quotes(planned), in_quotes(here)))
        .with_hint(planned == kDefaultEnvironment ? "run it without --env"
                                                  : "add --env " + planned);
}
} // namespace

PlanFile load_plan(const std::filesystem::path& file, const Project& project) {
    const KeySource key = project.key_source();
    return load_plan(file, key, project.environment());
}

PlanFile load_plan(const std::filesystem::path& file, const KeySource& key,
                   const std::string& environment) {
    std::string all;
    try {
        all = hadeploy::read_file(file, std::size_t{256} << 20);
    } catch (Error& error) {
        if (error.hint.empty()) error.hint = "save a plan with: hadeploy plan --out FILE";
        throw;
    }
    const auto end = all.find('\n');
    const std::string line = all.substr(0, end);
    const Value header = header_of(file, line);
    if (header.integer("format") != kPlanFileFormat)
        refuse(file, fmt::format("it has format {}; this hadeploy reads format {}",
                                 header.integer("format"), kPlanFileFormat));
    if (header.text("hadeploy") != kVersion)
        refuse(file, fmt::format("it was created by hadeploy {}; this is {}",
                                 header.text("hadeploy", "?"), kVersion));
    if (end == all.npos || !all.ends_with('\n') || all.size() < end + 2)
        refuse(file, "the saved plan is truncated");
    PlanFile out;
    out.project = header.text("project");
    refuse_other_environment(environment_of_owner(out.project), environment, file);
    const std::string body = open_body(file, header.text("key_lock"), key, line,
                                       std::string_view(all).substr(end + 1, all.size() - end - 2));
    try {
        read_body(json::parse(body), out);
    } catch (const json::exception& e) {
        refuse(file, fmt::format("an entry is missing or has the wrong type ({})", e.what()));
    }
    return out;
}

namespace {
constexpr const char* kPlanAgain = "run plan again";

/// ", that of commit 3f2a..., "; "" if it is not known.
std::string commit_of_plan(const PlanFile& plan) {
    const std::string id = plan.origin["commit"].text("id");
    return id.empty() ? "" : fmt::format(", that of commit {},", id.substr(0, 12));
}

Error other_state(const PlanFile& plan, const Project& project) {
    const StateLocation here = project.state_location();
    const std::string now = here.in_file() ? "" : here.text();
    Error error(ErrorKind::state, "the saved plan belongs to a different project or state");
    if (now == plan.state) return std::move(error).with_hint(kPlanAgain);
    return std::move(error).with_hint(fmt::format(
        "the plan was made for {}, and the state here is {}: use the state of the plan, or run "
        "plan again",
        plan.state.empty() ? "a state in a file" : in_quotes(plan.state, 4096),
        now.empty() ? in_quotes(project.state_file().string(), 4096) : in_quotes(now, 4096)));
}

void check_state(const PlanFile& plan, const Project& project, const Store& store) {
    if (store.lineage() != plan.lineage) throw other_state(plan, project);
    if (store.serial() != plan.serial)
        throw Error(ErrorKind::state,
                    "the saved plan is stale: the state has changed since it was created")
            .with_hint(kPlanAgain);
    std::map<std::string, ChangeKind> interrupted;
    for (const Intent& intent : store.intents()) interrupted[intent.address] = intent.action;
    if (interrupted != plan.interrupted)
        throw Error(
            ErrorKind::state,
            "the saved plan is stale: a later run was interrupted and has to be completed first")
            .with_hint(kPlanAgain);
}

Error changed_plan(const PlanFile& plan, const Project& project, const std::string& parts) {
    Error error(ErrorKind::state,
                fmt::format("the saved plan would not do the same here: {} would differ", parts));
    if (project.root() != plan.directory)
        return std::move(error).with_hint(
            fmt::format("it was created in {}, and this is {}: a value contains that path, or a "
                        "local file that the plan uses has changed; run plan again here",
                        plan.directory, project.root()));
    return std::move(error).with_hint(
        "outputs in the state or a local file that it uses have changed: run plan again");
}
} // namespace

void check_same_spec(const PlanFile& plan, const Project& project) {
    std::vector<std::string> differing;
    for (const auto& [name, text] : plan.files) {
        try {
            if (disk_reader()(project.options().directory / name) != text)
                differing.push_back(name + " differs");
        } catch (const Error&) {
            differing.push_back(name + " cannot be read");
        }
    }
    if (differing.empty()) return;
    throw Error(ErrorKind::state, fmt::format("the saved plan was made from a different spec: {}",
                                              fmt::join(differing, ", ")))
        .with_hint(fmt::format("apply it where the spec is the same{} or run plan again",
                               commit_of_plan(plan)));
}

PlannedRun restore_plan(const PlanFile& plan, Project& project, const Store& store) {
    check_state(plan, project, store);
    const FileReader read = [&](const std::filesystem::path& path) {
        const auto it = plan.files.find(project.from_directory(path).string());
        if (it == plan.files.end())
            throw Error(ErrorKind::state, fmt::format("the saved plan has no {}", path.string()))
                .with_hint(kPlanAgain);
        return it->second;
    };
    project.set_plan_time(plan.plan_time);
    project.set_plan_origin(plan.origin);
    if (plan.last_run.is_null())
        project.load_from(read, plan.variables, plan.secrets);
    else
        project.load_without_spec(plan.project, plan.last_run);
    std::map<std::string, Observation> observed;
    const Form form = project.form();
    for (const auto& [address, saved] : plan.observed) {
        Observation& seen = observed[address] = saved.seen;
        seen.attributes = form.used(saved.type, seen.attributes);
    }
    PlannedRun prepared =
        plan_from_observations(project.plan_source(), store, plan.options, std::move(observed));
    const std::string parts = differing_parts(plan.digests, plan_digests(prepared.plan, project));
    if (!parts.empty()) throw changed_plan(plan, project, parts);
    return prepared;
}

} // namespace hadeploy::cli
