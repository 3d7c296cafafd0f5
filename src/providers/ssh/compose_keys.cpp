#include "providers/ssh/compose_keys.h"

#include "providers/ssh/compose.h"

#include <algorithm>
#include <array>

namespace hadeploy::ssh::docker {

namespace {
constexpr std::string_view kPairs = "{*value}|[!text]", kTexts = "text|[!text]",
                           kOptions = "{*option}";

constexpr std::array kKeys{
    Key{"file", "version", "version"},
    Key{"file", "services", "{+{service}}"},
    Key{"file", "networks", "{*{network}|null}"},
    Key{"file", "volumes", "{+{volume}|null}"},
    Key{"file", "secrets", "{+{secret}}", 1},
    Key{"file", "configs", "{+{config}}", 3},
    Key{"file", "x-", "any", 4},

    Key{"service", "build", "text|{build}"},
    Key{"service", "cap_add", "[!text]"},
    Key{"service", "cap_drop", "[!text]"},
    Key{"service", "cgroup_parent", "text"},
    Key{"service", "cgroupns_mode", "text", 9},
    Key{"service", "command", "command|[text]"},
    Key{"service", "configs", "[text|{reference}]", 3},
    Key{"service", "container_name", "text"},
    Key{"service", "credential_spec", "{credential_spec}", 3},
    Key{"service", "depends_on", "[!text]"},
    Key{"service", "deploy", "{deploy}|null"},
    Key{"service", "devices", "[!text]"},
    Key{"service", "dns", kTexts},
    Key{"service", "dns_search", kTexts},
    Key{"service", "domainname", "text"},
    Key{"service", "entrypoint", "command|[text]"},
    Key{"service", "env_file", kTexts},
    Key{"service", "environment", kPairs},
    Key{"service", "expose", "[!text|number]"},
    Key{"service", "external_links", "[!text]"},
    Key{"service", "extra_hosts", kPairs},
    Key{"service", "healthcheck", "{healthcheck}"},
    Key{"service", "hostname", "text"},
    Key{"service", "image", "text"},
    Key{"service", "init", "flag!", 7},
    Key{"service", "ipc", "text"},
    Key{"service", "isolation", "text", 5},
    Key{"service", "labels", kPairs},
    Key{"service", "links", "[!text]"},
    Key{"service", "logging", "{logging}"},
    Key{"service", "mac_address", "text"},
    Key{"service", "network_mode", "text"},
    Key{"service", "networks", "[!text]|{+{attachment}|null}"},
    Key{"service", "oom_score_adj", "integer", 13},
    Key{"service", "pid", "text|null"},
    Key{"service", "ports", "[!port|target|{port}]"},
    Key{"service", "privileged", "flag"},
    Key{"service", "read_only", "flag"},
    Key{"service", "restart", "restart"},
    Key{"service", "secrets", "[text|{reference}]", 1},
    Key{"service", "security_opt", "[!text]"},
    Key{"service", "shm_size", "text"},
    Key{"service", "stdin_open", "flag"},
    Key{"service", "stop_grace_period", "duration"},
    Key{"service", "stop_signal", "text"},
    Key{"service", "sysctls", kPairs},
    Key{"service", "tmpfs", kTexts},
    Key{"service", "tty", "flag"},
    Key{"service", "ulimits", "{*whole|{ulimit}}"},
    Key{"service", "user", "text"},
    Key{"service", "userns_mode", "text"},
    Key{"service", "volumes", "[mount|{mount}]"},
    Key{"service", "working_dir", "text"},
    Key{"service", "x-", "any", 7},

    Key{"build", "args", kPairs},
    Key{"build", "cache_from", "[!text]", 2},
    Key{"build", "context", "text"},
    Key{"build", "dockerfile", "text"},
    Key{"build", "extra_hosts", kPairs, 9},
    Key{"build", "labels", kPairs, 3},
    Key{"build", "network", "text", 4},
    Key{"build", "shm_size", "integer|text", 5},
    Key{"build", "target", "text", 4},
    Key{"build", "*", "any", 11},

    Key{"reference", "source", "text"},
    Key{"reference", "target", "text"},
    Key{"reference", "uid", "text"},
    Key{"reference", "gid", "text"},
    Key{"reference", "mode", "amount"},
    Key{"reference", "*", "any"},

    Key{"credential_spec", "config", "text", 8},
    Key{"credential_spec", "file", "text"},
    Key{"credential_spec", "registry", "text"},

    Key{"healthcheck", "disable", "flag"},
    Key{"healthcheck", "interval", "duration"},
    Key{"healthcheck", "retries", "amount"},
    Key{"healthcheck", "start_interval", "duration", 12},
    Key{"healthcheck", "start_period", "duration", 4},
    Key{"healthcheck", "test", "text|[text]"},
    Key{"healthcheck", "timeout", "duration"},

    Key{"logging", "driver", "text"},
    Key{"logging", "options", "{*option|null}"},

    Key{"attachment", "aliases", "[!text]"},
    Key{"attachment", "driver_opts", kOptions, 13},
    Key{"attachment", "ipv4_address", "text"},
    Key{"attachment", "ipv6_address", "text"},

    Key{"port", "mode", "=ingress,host"},
    Key{"port", "protocol", "=tcp,udp,sctp"},
    Key{"port", "published", "count"},
    Key{"port", "target", "count"},

    Key{"ulimit", "hard", "whole"},
    Key{"ulimit", "soft", "whole"},

    Key{"mount", "bind", "{bind}"},
    Key{"mount", "consistency", "text"},
    Key{"mount", "read_only", "flag"},
    Key{"mount", "source", "text"},
    Key{"mount", "target", "text"},
    Key{"mount", "tmpfs", "{tmpfs}"},
    Key{"mount", "type", "=volume,bind,tmpfs,npipe,cluster,image"},
    Key{"mount", "volume", "{mounted}"},
    Key{"bind", "propagation", "text"},
    Key{"bind", "*", "any"},
    Key{"tmpfs", "size", "count!"},
    Key{"tmpfs", "*", "any"},
    Key{"mounted", "nocopy", "flag"},
    Key{"mounted", "*", "any"},

    Key{"deploy", "endpoint_mode", "=vip,dnsrr", 2},
    Key{"deploy", "labels", kPairs},
    Key{"deploy", "mode", "=replicated,global,replicated-job,global-job"},
    Key{"deploy", "placement", "{placement}"},
    Key{"deploy", "replicas", "count"},
    Key{"deploy", "resources", "{resources}"},
    Key{"deploy", "restart_policy", "{restart_policy}"},
    Key{"deploy", "rollback_config", "{rollback}", 7},
    Key{"deploy", "update_config", "{update}"},

    Key{"placement", "constraints", "[text]"},
    Key{"placement", "max_replicas_per_node", "count", 8},
    Key{"placement", "preferences", "[{preference}]", 3},
    Key{"preference", "spread", "text"},

    Key{"resources", "limits", "{limits}"},
    Key{"resources", "reservations", "{reservations}"},
    Key{"limits", "cpus", "cpus"},
    Key{"limits", "memory", "size"},
    Key{"limits", "pids", "integer!", 9},
    Key{"reservations", "cpus", "cpus"},
    Key{"reservations", "generic_resources", "[{generic}]", 5},
    Key{"reservations", "memory", "size"},
    Key{"generic", "discrete_resource_spec", "{discrete}"},
    Key{"discrete", "kind", "text"},
    Key{"discrete", "value", "number!"},

    Key{"restart_policy", "condition", "=none,on-failure,any"},
    Key{"restart_policy", "delay", "duration"},
    Key{"restart_policy", "max_attempts", "count"},
    Key{"restart_policy", "window", "duration"},

    Key{"update", "delay", "duration"},
    Key{"update", "failure_action", "=continue,pause,rollback"},
    Key{"update", "max_failure_ratio", "number"},
    Key{"update", "monitor", "duration"},
    Key{"update", "order", "=start-first,stop-first", 4},
    Key{"update", "parallelism", "count"},
    Key{"rollback", "delay", "duration"},
    Key{"rollback", "failure_action", "=continue,pause"},
    Key{"rollback", "max_failure_ratio", "number"},
    Key{"rollback", "monitor", "duration"},
    Key{"rollback", "order", "=start-first,stop-first"},
    Key{"rollback", "parallelism", "count"},

    Key{"network", "attachable", "flag", 2},
    Key{"network", "driver", "text"},
    Key{"network", "driver_opts", kOptions},
    Key{"network", "external", "flag|{external}"},
    Key{"network", "internal", "flag"},
    Key{"network", "ipam", "{ipam}"},
    Key{"network", "labels", kPairs},
    Key{"network", "name", "text", 5},
    Key{"network", "x-", "any", 7},
    Key{"ipam", "config", "[{subnet}]"},
    Key{"ipam", "driver", "text"},
    Key{"subnet", "subnet", "text"},
    Key{"external", "name", "text"},

    Key{"volume", "driver", "text"},
    Key{"volume", "driver_opts", kOptions},
    Key{"volume", "external", "flag|{external}"},
    Key{"volume", "labels", kPairs},
    Key{"volume", "name", "text", 4},
    Key{"volume", "x-", "any", 7},

    Key{"secret", "driver", "text", 8},
    Key{"secret", "driver_opts", kOptions, 8},
    Key{"secret", "external", "flag|{external}"},
    Key{"secret", "file", "text"},
    Key{"secret", "labels", kPairs},
    Key{"secret", "name", "text", 5},
    Key{"secret", "template_driver", "text", 8},
    Key{"secret", "x-", "any", 7},
    Key{"config", "external", "flag|{external}"},
    Key{"config", "file", "text"},
    Key{"config", "labels", kPairs},
    Key{"config", "name", "text", 5},
    Key{"config", "template_driver", "text", 8},
    Key{"config", "x-", "any", 7},
};

struct Remedy {
    std::string_view in, name, text;
};
constexpr std::string_view kLimits = "move it to deploy.resources";
constexpr std::array kRemedies{
    Remedy{"file", "name",
           "set the name of the stack with the attribute `name` of the docker.stack"},
    Remedy{"file", "include", "a stack has only one compose file: write everything there"},
    Remedy{"service", "cpus", kLimits},
    Remedy{"service", "cpu_quota", kLimits},
    Remedy{"service", "cpu_shares", kLimits},
    Remedy{"service", "cpuset", kLimits},
    Remedy{"service", "mem_limit", kLimits},
    Remedy{"service", "mem_reservation", kLimits},
    Remedy{"service", "memswap_limit", kLimits},
    Remedy{"service", "pids_limit", kLimits},
    Remedy{"service", "depends_on",
           "a swarm starts services in no defined order: remove it, or write a list of names"},
    Remedy{"service", "env_file", "write only the names of the files: env_file: [web.env]"},
    Remedy{"service", "environment", "write NAME=value, or a map without dashes"},
    Remedy{"service", "extends",
           "repeat the settings, or share them with an anchor (&common) and <<: *common"},
    Remedy{"service", "profiles",
           "a stack runs all its services: move these to the compose file of a different "
           "docker.stack"},
    Remedy{"service", "pull_policy",
           "a swarm pulls images that a node does not have; `resolve_image` of the docker.stack "
           "controls whether a registry is queried for newer ones"},
    Remedy{"service", "scale", "write deploy.replicas"},
    Remedy{"service", "volume_driver", "define the volume under `volumes:`, with its driver"},
    Remedy{"service", "volumes_from", "define the volume under `volumes:`, and use it in both"},
    Remedy{"build", "*", "remove `build`: a swarm does not build images"},
    Remedy{"port", "host_ip", "a swarm publishes ports on every address of its nodes"},
    Remedy{"config", "content",
           "write it to a file beside the compose file, and name the file in `file`"},
    Remedy{"config", "environment",
           "write it to a file beside the compose file, and name the file in `file`"},
    Remedy{"secret", "environment",
           "write it to a file beside the compose file, and name the file in `file`"},
    Remedy{"reservations", "devices", "a swarm assigns devices as generic_resources"},
};

int needed(const YAML::Node& node, std::string_view is) {
    int most = 0;
    for (const std::string_view alternative : alternatives(is)) {
        const std::string_view of = inside(alternative);
        if (node.IsSequence() && alternative.starts_with('['))
            for (const auto& one : node)
                most = std::max(most, needed(one, of.substr(of.starts_with('!') ? 1 : 0)));
        if (!node.IsMap() || !alternative.starts_with('{')) continue;
        const bool named = of.starts_with('*') || of.starts_with('+');
        for (const auto& [key, value] : entries(node)) {
            const Key* known = named ? nullptr : find_key(of, key.Scalar());
            if (known != nullptr) most = std::max(most, known->since);
            if (named || known != nullptr)
                most = std::max(most, needed(value, named ? of.substr(1) : known->is));
        }
    }
    return most;
}
} // namespace

const Key* find_key(std::string_view shape, std::string_view name) {
    const auto find = [&](std::string_view exact) -> const Key* {
        const auto it = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& key) {
            return key.in == shape && key.name == exact;
        });
        return it == kKeys.end() ? nullptr : &*it;
    };
    if (const Key* key = find(name)) return key;
    return find(name.starts_with("x-") && find("x-") != nullptr ? "x-" : "*");
}

std::vector<std::string> key_names(std::string_view shape) {
    std::vector<std::string> out;
    for (const Key& key : kKeys)
        if (key.in == shape && key.name != "*" && key.name != "x-") out.emplace_back(key.name);
    return out;
}

std::string_view remedy(std::string_view shape, std::string_view name) {
    for (const Remedy& r : kRemedies)
        if (r.in == shape && r.name == name) return r.text;
    return "";
}

std::vector<std::string_view> alternatives(std::string_view is) {
    std::vector<std::string_view> out;
    std::size_t begin = 0;
    int depth = 0;
    for (std::size_t at = 0; at <= is.size(); ++at) {
        const char c = at == is.size() ? '|' : is[at];
        if (c == '[' || c == '{') ++depth;
        if (c == ']' || c == '}') --depth;
        if (c != '|' || depth != 0) continue;
        out.push_back(is.substr(begin, at - begin));
        begin = at + 1;
    }
    return out;
}

std::string_view inside(std::string_view alternative) {
    const bool bracketed = alternative.starts_with('[') || alternative.starts_with('{');
    return bracketed ? alternative.substr(1, alternative.size() - 2) : alternative;
}

int needed_version(const YAML::Node& root) {
    return needed(root, "{file}");
}

} // namespace hadeploy::ssh::docker
