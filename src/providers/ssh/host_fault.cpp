#include "embedded/scripts.h"
#include "provider_api/fault_undo.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/host.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::ssh {

namespace {

using std::chrono::minutes;

/// Space that stays free on a filled disk, so that a login is still possible and the fault can be
/// ended.
constexpr std::int64_t kMargin = std::int64_t{16} << 20;

/// The scripts of one kind of fault.
struct Scripts {
    std::string variables; ///< for all of these scripts
    std::string check;     ///< fails if the fault is not possible; before `remember` and `inject`
    std::string remember;  ///< stores what the undo needs in the directory $fault
    std::string prepare;   ///< a step before `inject`; "" for none
    std::string inject;
    std::string undo; ///< see fault::Undo::script
    std::string hold = ":";
};

std::string assign(std::string_view name, std::string_view text) {
    return fmt::format("{}={}\n", name, shell_quote(text));
}

/// Fails if the program is missing on the host.
std::string needs(std::string_view program, std::string_view package) {
    return fmt::format("PATH=$PATH:/usr/sbin:/sbin\n"
                       "command -v {0} >/dev/null || {{ echo 'hadeploy: the program `{0}` is "
                       "missing; it is in the package {1}' >&2; exit 1; }}\n",
                       program, package);
}

/// The addresses of the other nodes, of one family.
std::vector<std::string> others(const Value& config, bool six) {
    std::vector<std::string> out = strings(config["others"]);
    std::erase_if(out, [&](const std::string& a) { return (a.find(':') != a.npos) != six; });
    return out;
}

std::string port_of(const Value& config) {
    return std::to_string(config["host"].integer("port", 22));
}

Scripts partition(const Value& config) {
    return {.variables =
                assign("others4", fmt::format("{}", fmt::join(others(config, false), ", "))) +
                assign("others6", fmt::format("{}", fmt::join(others(config, true), ", "))) +
                assign("port", port_of(config)) + assign("way", config["options"].text("way")),
            .check = needs("nft", "nftables"),
            .inject = std::string(scripts::host_fault_partition),
            .undo = std::string(scripts::host_fault_partition_undo)};
}

Scripts netem(const Value& config, std::string_view disturbance) {
    return {.variables =
                assign("others", fmt::format("{}", fmt::join(strings(config["others"]), " "))) +
                assign("port", port_of(config)) + assign("netem", disturbance),
            .check = needs("tc", "iproute2") + needs("ip", "iproute2"),
            .inject = std::string(scripts::host_fault_netem),
            .undo = std::string(scripts::host_fault_netem_undo)};
}

Scripts latency(const Value& config) {
    const Value& options = config["options"];
    return netem(config, fmt::format("delay {}ms {}ms", options.integer("delay"),
                                     options.integer("jitter")));
}

Scripts fill_disk(const Value& config) {
    const Value& options = config["options"];
    const std::string path = shell_quote(options.text("path"));
    const Value& size = options["size"];
    return {.variables =
                assign("path", options.text("path")) +
                assign("size", size.is_integer() ? std::to_string(size.as_integer()) : "") +
                assign("margin", std::to_string(kMargin)),
            .check = std::string(scripts::host_fault_fill_disk_check),
            .inject = std::string(scripts::host_fault_fill_disk),
            .undo = ":",
            .hold = fmt::format("set -C\n"
                                "read -r name </proc/sys/kernel/random/uuid\n"
                                "exec 9>{0}/.hadeploy-fault-\"$name\"\n"
                                "rm -- {0}/.hadeploy-fault-\"$name\"\n"
                                "set +C",
                                path)};
}

Scripts scripts_of(const Value& config) {
    const std::string kind = config.text("kind");
    const Value& options = config["options"];
    if (kind == "partition") return partition(config);
    if (kind == "latency") return latency(config);
    if (kind == "loss") return netem(config, fmt::format("loss {}%", options.integer("percent")));
    if (kind == "fill-disk") return fill_disk(config);
    if (kind == "stop-docker")
        return {.check = std::string(scripts::host_fault_stop_docker_check),
                .inject = std::string(scripts::host_fault_stop_docker),
                .undo = "systemctl start docker.service"};
    if (kind == "kill-service")
        return {.variables = assign("service", options.text("service")),
                .check = needs("docker", "docker.io") +
                         std::string(scripts::host_fault_kill_service_check),
                .inject = std::string(scripts::host_fault_kill_service),
                .undo = ":"};
    if (kind == "kill-brick")
        return {.check = needs("gluster", "glusterfs-server") +
                         std::string(scripts::host_fault_kill_brick_check),
                .remember = "printf '%s\\n' \"$volumes\" >\"$fault/volumes\"\n",
                .inject = "pkill -KILL -x glusterfsd\n",
                .undo = "volumes=$(cat \"$1/volumes\") || exit 1\n" +
                        std::string(scripts::host_fault_kill_brick_undo)};
    if (kind == "drain") {
        const std::string node = assign("node", config.text("node"));
        return {.variables = docker::functions() + std::string(scripts::docker_handover) + node +
                             fmt::format("patience={}\n", options.integer("handover", 0) / 1000),
                .check =
                    needs("docker", "docker.io") + "docker node inspect \"$node\" >/dev/null\n",
                .prepare = std::string(scripts::docker_drain_move),
                .inject = std::string(scripts::docker_drain),
                .undo = node + std::string(scripts::docker_drain_undo)};
    }
    throw Error(ErrorKind::failed, fmt::format("a host cannot inject the fault {}", kind));
}

class HostFault final : public SshType {
  public:
    HostFault() {
        name = "host.fault";
        data = true;
        remove_may_leave = true; // a fault of a different node
        summary = "The faults that `hadeploy chaos` has injected on a host.";
        doc =
            "Read-only. Faults are injected and ended with `hadeploy chaos`. Destroy does not end "
            "them.";
        example = "faults:\n"
                  "  type: host.fault\n"
                  "  host: ${node[\"node1\"].connection}\n";
        schema = {host_attribute(), fault::faults_attribute()};
    }

    std::string probe(const ReadRequest& /*request*/) const override {
        return fault::list(fault::kHostDirectory);
    }

    Observation parse(const ReadRequest& /*request*/, const ProbeResult& result) const override {
        if (result.status != 0) return cannot_look("the faults", result);
        return Observation::present(
            Value::map({{"faults", fault::to_value(fault::parse(result.out))}}));
    }

    /// The config of a change also has `kind`, `node`, `lineage`, `undo_after` in milliseconds,
    /// `options` by kind, and `others`: the addresses of the other nodes.
    std::vector<Command> commands(const Change& change) const override {
        const bool ends = change.kind == Change::Kind::remove;
        const Value& config = ends ? change.before : change.after;
        const std::string node = config.text("node");
        if (ends) {
            // a drain is ended through any manager, even if a different one holds the record
            std::string first;
            if (config.text("kind") == "drain")
                first =
                    scripts_of(config).variables +
                    "docker_again docker node update --availability active \"$node\"\nhand_back\n";
            return {{.script = first + fault::end(fault::kHostDirectory, node, config.text("kind"),
                                                  config.text("lineage")),
                     .step = "ending the fault",
                     .limit = minutes(6),
                     .ends_after = minutes(5)}};
        }
        const Scripts s = scripts_of(config);
        const std::string head = s.variables + s.check;
        const std::string directory =
            assign("fault", fmt::format("{}/fault.{}", fault::kHostDirectory, node));
        const fault::Undo undo{.directory = std::string(fault::kHostDirectory),
                               .node = node,
                               .kind = config.text("kind"),
                               .lineage = config.text("lineage"),
                               .after = std::chrono::milliseconds(config.integer("undo_after")),
                               .script = s.undo,
                               .hold = s.hold};
        std::vector<Command> list{{.script = head + fault::arm(undo) + s.remember,
                                   .step = "arming the undo",
                                   .limit = minutes(2),
                                   .ends_after = minutes(1)}};
        if (!s.prepare.empty())
            list.push_back({.script = head + s.prepare,
                            .step = "moving tasks that may overlap",
                            .limit = minutes(8),
                            .ends_after = minutes(7)});
        list.push_back({.script = directory + head + s.inject,
                        .step = "injecting the fault",
                        .limit = minutes(6),
                        .ends_after = minutes(5)});
        return list;
    }
};

} // namespace

std::unique_ptr<ResourceType> make_host_fault() {
    return std::make_unique<HostFault>();
}

} // namespace hadeploy::ssh
