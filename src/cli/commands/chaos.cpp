#include "chaos/drill.h"

#include "cli/chaos_drill.h"
#include "cli/commands.h"
#include "core/file.h"
#include "planner/yaml/yaml.h"

#include <cstdlib>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

std::optional<std::string> from_environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// Checks the nodes against the hosts of the `chaos` section, if the spec names them. The
/// swarm may have more nodes that can be drained.
void check_hosts(const Project& project, chaos::Experiment experiment) {
    const Value section = project.chaos_section([](NodeId) { return Value::unknown(); });
    if (!section["hosts"].is_map()) return;
    std::vector<std::string> names;
    for (const Entry& e : section["hosts"].as_map()) names.push_back(e.key);
    std::erase_if(experiment.method, [](const chaos::Activity& a) {
        return a.fault && a.fault->kind == chaos::FaultKind::drain;
    });
    Diagnostics diagnostics;
    chaos::check_nodes(experiment, names, diagnostics);
    diagnostics.throw_if_any();
}

void check_nodes(const chaos::Experiment& experiment, const chaos::Snapshot& swarm) {
    std::vector<std::string> names;
    for (const chaos::ClusterNode& n : swarm.nodes) names.push_back(n.name);
    Diagnostics diagnostics;
    chaos::check_nodes(experiment, names, diagnostics);
    diagnostics.throw_if_any();
}

} // namespace

int run_chaos(Context& context) {
    chaos::Fault fault = fault_of(context.args);
    context.project.load();
    ChaosProject project(context);
    fault.node = target_of(context, *project.cluster, fault);
    return run_drill(context, project, chaos::single_fault(std::move(fault)));
}

int run_chaos_run(Context& context) {
    context.project.load();
    const std::filesystem::path file = context.args.name;
    const std::uint16_t source =
        context.project.add_source(file, read_file(file, kMaxYamlBytes, ErrorKind::spec));
    const chaos::Experiment experiment =
        chaos::read_experiment(context.project.sources(), source, from_environment);
    check_hosts(context.project, experiment);
    ChaosProject project(context);
    check_nodes(experiment, project.cluster->look());
    return run_drill(context, project, experiment);
}

} // namespace hadeploy::cli
