#include "cli/plan_file.h"

#include "cli/render/plan_json.h"
#include "core/file.h"
#include "core/hash.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#ifndef HADEPLOY_VERSION
#define HADEPLOY_VERSION "unknown"
#endif

namespace hadeploy::cli {

namespace {

using nlohmann::json;
constexpr int kFormat = 2;

std::string digest_of(const Plan& plan) {
    return sha256_hex(plan_json(plan).dump());
}

json observation_json(const Observation& o) {
    json out{{"state", static_cast<int>(o.state)}, {"attributes", to_json(o.attributes)}};
    if (!o.foreign.empty()) out["foreign"] = o.foreign;
    if (o.error) out["error"] = o.error->message;
    return out;
}

Observation observation_of(const json& j) {
    Observation o;
    o.state = static_cast<Observation::State>(j.at("state").get<int>());
    o.attributes = from_json(j.at("attributes").get<std::string>());
    o.foreign = j.value("foreign", "");
    if (j.contains("error")) o.error = Error(ErrorKind::failed, j["error"].get<std::string>());
    return o;
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
    throw Error(ErrorKind::state, fmt::format("{}: {}", file.string(), why))
        .with_hint("make it anew: hadeploy plan --out " + file.string());
}

} // namespace

void save_plan(const std::filesystem::path& file, const Project& project,
               const Prepared& prepared) {
    json body{{"hadeploy", HADEPLOY_VERSION},
              {"format", kFormat},
              {"project", project.spec().name},
              {"lineage", prepared.world.lineage},
              {"serial", prepared.world.serial},
              {"destroy", prepared.plan.destroy},
              {"variables", to_json(project.variables())},
              {"secrets", to_json(project.spec().secrets)},
              {"steps_digest", digest_of(prepared.plan)},
              {"plan", plan_json(prepared.plan)}};
    for (const Sources::File& f : project.sources().files())
        body["files"][f.path.string()] = f.text;
    for (const auto& [address, o] : prepared.world.observed)
        body["observed"][address] = observation_json(o);
    const std::string text = body.dump();
    write_file(file, sha256_hex(text) + "\n" + text + "\n");
}

PlanFile load_plan(const std::filesystem::path& file) {
    const std::string all = hadeploy::read_file(file, std::size_t{256} << 20);
    const auto end = all.find('\n');
    if (end == all.npos || !all.ends_with('\n') || all.size() < end + 2)
        refuse(file, "this is no saved plan, or it is cut off");
    const std::string text = all.substr(end + 1, all.size() - end - 2);
    if (sha256_hex(text) != all.substr(0, end))
        refuse(file, "the saved plan was altered or cut off");
    const json body = json::parse(text, nullptr, false);
    if (body.is_discarded()) refuse(file, "this is no saved plan");
    if (body.value("format", 0) != kFormat || body.value("hadeploy", "") != HADEPLOY_VERSION)
        refuse(file, fmt::format("it was made by hadeploy {}; this is {}",
                                 body.value("hadeploy", "?"), HADEPLOY_VERSION));
    PlanFile out;
    out.project = body.at("project");
    out.lineage = body.at("lineage");
    out.serial = body.at("serial");
    out.destroy = body.at("destroy");
    out.steps_digest = body.at("steps_digest");
    const json files = body.value("files", json::object()); // a loop keeps no temporary alive
    for (const auto& [path, content] : files.items()) out.files[path] = content;
    for (const Entry& e : from_json(body.at("variables").get<std::string>()).as_map())
        out.variables[e.key] = e.value;
    out.secrets = from_json(body.at("secrets").get<std::string>());
    const json observed = body.value("observed", json::object());
    for (const auto& [address, o] : observed.items()) out.observed[address] = observation_of(o);
    return out;
}

Prepared restore_plan(const PlanFile& plan, Project& project, const Store& store) {
    const FileReader read = [&](const std::filesystem::path& path) {
        const auto it = plan.files.find(path.string());
        if (it == plan.files.end())
            throw Error(ErrorKind::state, fmt::format("the saved plan has no {}", path.string()))
                .with_hint(
                    "run apply in the directory (and with the --chdir) that the plan was made in");
        return it->second;
    };
    project.load_from(read, plan.variables, plan.secrets);
    if (store.lineage() != plan.lineage)
        throw Error(ErrorKind::state, "the saved plan belongs to another project or state")
            .with_hint("run plan again");
    if (store.serial() != plan.serial)
        throw Error(ErrorKind::state,
                    "the saved plan is stale: the state has changed since it was made")
            .with_hint("run plan again");
    Prepared prepared = prepare_from(project, store, plan.destroy, plan.observed);
    if (digest_of(prepared.plan) != plan.steps_digest)
        throw Error(ErrorKind::state,
                    "the saved plan no longer says the same: a local file that it "
                    "goes by has changed")
            .with_hint("run plan again");
    return prepared;
}

} // namespace hadeploy::cli
