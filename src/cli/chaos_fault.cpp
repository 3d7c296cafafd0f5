#include "cli/chaos_fault.h"

#include "chaos/objections.h"
#include "chaos/target.h"
#include "cli/chaos_section.h"
#include "provider_api/normalize.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <random>

namespace hadeploy::cli {

namespace {

PriorState prior_of(const Project& project) {
    return load_prior_state(*project.open_store(Store::Mode::read_only));
}

/// An option as it would be written in YAML.
Value option_value(const Attribute& option, const std::string& text) {
    const bool number =
        option.type.kind == TypeKind::integer || option.type.kind == TypeKind::bytes;
    const bool digits = !text.empty() && text.size() < 19 &&
                        text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == text.npos &&
                        text != "-";
    return number && digits ? Value(std::int64_t{std::strtoll(text.c_str(), nullptr, 10)})
                            : Value(text);
}

} // namespace

ChaosProject::ChaosProject(Context& context)
    : project(context.project), prior(prior_of(project)),
      section(recorded_chaos_section(project, prior)), settings(provider_settings(project.graph())),
      endpoints(context.registry, project.provider_context(prior.lineage)),
      cluster(chaos::open_cluster(endpoints, settings, hosts_without())),
      faults(chaos::open_faults(endpoints, settings, section["hosts"], prior)) {}

chaos::HostSource ChaosProject::hosts_without(std::vector<std::string> nodes) const {
    return [this, nodes = std::move(nodes)] {
        Value hosts = section["hosts"];
        try {
            hosts = recorded_chaos_section(project, prior_of(project))["hosts"];
        } catch (const Error&) {
            // An apply is replacing a machine: its connection is not known at the moment.
        }
        if (!hosts.is_map()) return hosts;
        Value::Map others = hosts.as_map();
        std::erase_if(others, [&](const Entry& e) {
            return std::find(nodes.begin(), nodes.end(), e.key) != nodes.end();
        });
        return others.empty() ? hosts : Value::map(std::move(others));
    };
}

std::unique_ptr<chaos::Cluster> ChaosProject::without(const std::vector<std::string>& nodes) {
    return chaos::open_cluster(endpoints, settings, hosts_without(nodes));
}

chaos::Fault fault_of(const Args& args) {
    const auto& [name, node] = args.faults.at(0);
    chaos::Fault fault;
    fault.node = node;
    for (const chaos::FaultKind kind : chaos::fault_kinds())
        if (chaos::name_of(kind) == name) fault.kind = kind;
    const Schema& schema = chaos::options_of(fault.kind);
    Value written = Value::map({});
    for (const auto& [key, text] : args.fault_options)
        if (const Attribute* option = find_attribute(schema, key))
            written = written.with(key, option_value(*option, text));
    Diagnostics problems;
    fault.options = normalize(schema, written, "--" + name, {}, {}, problems);
    for (const Error& problem : problems.list())
        throw Error(ErrorKind::usage, problem.message).with_hint(problem.hint);
    return fault;
}

std::string target_of(Context& context, chaos::Cluster& cluster, const chaos::Fault& fault) {
    const chaos::Snapshot snapshot = cluster.look();
    if (!fault.node.empty()) {
        if (const chaos::ClusterNode* node = snapshot.find(fault.node)) return node->name;
        chaos::refuse(chaos::objections(snapshot, fault), fault, false);
    }
    if (context.args.leader) return chaos::leader_of(snapshot);
    const std::uint64_t seed = context.args.seed.value_or(std::random_device()());
    std::string chosen = chaos::random_node(snapshot, seed);
    if (!context.args.json)
        context.say(
            fmt::format("random target: {} (to choose it again: --seed {})\n", chosen, seed));
    return chosen;
}

} // namespace hadeploy::cli
