#include "cli/plan_file.h"

#include "cli/render/plan_json.h"
#include "cli/version.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/value_json.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/load_spec.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

namespace {

using nlohmann::json;
constexpr int kPlanFileFormat = 5; ///< one line of header, one line of encrypted body

std::string digest_of(const Plan& plan) {
    return sha256_hex(plan_json(plan).dump());
}

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

json observation_json(const Observation& o) {
    json out{{"state", static_cast<int>(o.state)}, {"attributes", to_json(o.attributes)}};
    if (!o.foreign.empty()) out["foreign"] = o.foreign;
    if (!o.replace_reason.empty()) out["outdated"] = o.replace_reason;
    if (o.data_gone) out["data_gone"] = true;
    if (o.assumed) out["assumed"] = true;
    if (o.error) out["error"] = o.error->message;
    return out;
}

Observation read_observation(const json& j) {
    Observation o;
    const int state = j.at("state").get<int>();
    if (state < 0 || state > static_cast<int>(Observation::State::blocked))
        throw Error(ErrorKind::state, fmt::format("a resource has the invalid state {}", state))
            .with_hint("create the plan again: hadeploy plan --out FILE");
    o.state = static_cast<Observation::State>(state);
    o.attributes = from_json(j.at("attributes").get<std::string>());
    o.foreign = j.value("foreign", "");
    o.replace_reason = j.value("outdated", "");
    o.data_gone = j.value("data_gone", false);
    o.assumed = j.value("assumed", false);
    if (j.contains("error")) o.error = Error(ErrorKind::failed, j["error"].get<std::string>());
    return o;
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
    out.directory = body.value("directory", "");
    out.serial = body.at("serial");
    out.plan_time = body.at("plan_time");
    const json interrupted = body.value("interrupted", json::object());
    for (const auto& [address, kind] : interrupted.items())
        out.interrupted[address] = change_of(kind);
    out.options = options_of(body.at("options"));
    out.steps_digest = body.at("steps_digest");
    const json files = body.value(
        "files", json::object()); // a range-for does not extend the lifetime of a temporary
    for (const auto& [path, content] : files.items()) out.files[path] = content;
    const Value variables = from_json(body.at("variables").get<std::string>());
    if (variables.is_map())
        for (const Entry& e : variables.as_map()) out.variables[e.key] = e.value;
    out.secrets = from_json(body.at("secrets").get<std::string>());
    if (body.contains("last_run")) out.last_run = from_json(body["last_run"].get<std::string>());
    const json observed = body.value("observed", json::object());
    for (const auto& [address, o] : observed.items()) out.observed[address] = read_observation(o);
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

void save_plan(const std::filesystem::path& file, const Project& project,
               const PlanOptions& options, const PlannedRun& prepared) {
    refuse_other_file(file);
    json body{
        {"lineage", prepared.prior.lineage},         {"directory", project.root()},
        {"serial", prepared.prior.serial},           {"options", options_json(options)},
        {"variables", to_json(project.variables())}, {"secrets", to_json(project.spec().secrets)},
        {"steps_digest", digest_of(prepared.plan)},  {"interrupted", json::object()},
        {"plan_time", project.spec().plan_time}};
    for (const auto& [address, kind] : interrupted_in_state(prepared.prior))
        body["interrupted"][address] = change_name(kind);
    for (const Sources::File& f : project.sources().files())
        body["files"][f.path.string()] = f.text;
    if (!project.last_run().is_null()) body["last_run"] = to_json(project.last_run());
    for (const auto& [address, o] : prepared.prior.observed)
        body["observed"][address] = observation_json(o);
    const Cipher cipher = Cipher::make(project.key_source());
    const std::string header = json{
        {"hadeploy", kVersion},
        {"format", kPlanFileFormat},
        {"project", project.spec().name},
        {"key_lock",
         cipher.encrypted_key()}}.dump();
    write_file(file, header + "\n" + cipher.seal(body.dump(), header) + "\n");
}

PlanFile load_plan(const std::filesystem::path& file, const KeySource& key) {
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
/// Local paths in a plan belong to the directory that it was created in.
Error changed_plan(const PlanFile& plan, const Project& project) {
    if (!plan.directory.empty() && project.root() != plan.directory)
        return Error(
                   ErrorKind::state,
                   fmt::format(
                       "the saved plan was created when the project was in {}, and it is now in {}",
                       plan.directory, project.root()))
            .with_hint("the paths in the plan depend on that directory: run plan again here");
    return Error(ErrorKind::state, "the saved plan is no longer the same: outputs in the state or "
                                   "a local file that it uses have changed")
        .with_hint("run plan again");
}
} // namespace

PlannedRun restore_plan(const PlanFile& plan, Project& project, const Store& store) {
    const FileReader read = [&](const std::filesystem::path& path) {
        const auto it = plan.files.find(path.string());
        if (it == plan.files.end())
            throw Error(ErrorKind::state, fmt::format("the saved plan has no {}", path.string()))
                .with_hint("run apply in the directory, and with the --chdir, of the plan");
        return it->second;
    };
    project.set_plan_time(plan.plan_time);
    if (plan.last_run.is_null())
        project.load_from(read, plan.variables, plan.secrets);
    else
        project.load_without_spec(plan.project, plan.last_run);
    if (store.lineage() != plan.lineage)
        throw Error(ErrorKind::state, "the saved plan belongs to another project or state")
            .with_hint("run plan again");
    if (store.serial() != plan.serial)
        throw Error(ErrorKind::state,
                    "the saved plan is stale: the state has changed since it was created")
            .with_hint("run plan again");
    std::map<std::string, ChangeKind> interrupted;
    for (const Intent& intent : store.intents()) interrupted[intent.address] = intent.action;
    if (interrupted != plan.interrupted)
        throw Error(
            ErrorKind::state,
            "the saved plan is stale: a later run was interrupted and has to be completed first")
            .with_hint("run plan again");
    PlannedRun prepared =
        plan_from_observations(project.plan_source(), store, plan.options, plan.observed);
    if (digest_of(prepared.plan) != plan.steps_digest) throw changed_plan(plan, project);
    return prepared;
}

} // namespace hadeploy::cli
