#include "providers/ssh/compose_ignored.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string_view>
#include <utility>
#include <vector>

namespace hadeploy::ssh::docker {

namespace {
/// A key of a service that Docker Compose supports and `docker stack deploy` ignores.
struct Ignored {
    std::string_view key;
    std::string_view instead = "remove it";
};
constexpr std::string_view kByName = "services on the same network reach each other by name";
constexpr std::array kIgnoredKeys{
    Ignored{"build", "load the image with a docker.image, and set `image`"},
    Ignored{"cgroup_parent"},
    Ignored{"cgroupns_mode"},
    Ignored{"container_name", "remove it: a service is reached by its own name"},
    Ignored{
        "depends_on",
        "a swarm starts services in no defined order: make the program wait for its dependencies"},
    Ignored{"devices"},
    Ignored{"domainname", "write the full name as `hostname`"},
    Ignored{"expose", kByName},
    Ignored{"external_links", kByName},
    Ignored{"ipc"},
    Ignored{"links", kByName},
    Ignored{"mac_address"},
    Ignored{"network_mode", "list the networks under `networks`"},
    Ignored{"pid"},
    Ignored{"privileged", "add the capabilities that it needs with `cap_add`"},
    Ignored{"restart",
            "use `deploy.restart_policy`; without it, a task that has ended is always restarted"},
    Ignored{"security_opt"},
    Ignored{"shm_size", "mount a tmpfs at /dev/shm: volumes: [{type: tmpfs, target: /dev/shm}]"},
    Ignored{"tmpfs", "mount it: volumes: [{type: tmpfs, target: /path}]"},
    Ignored{"userns_mode"},
};

/// "web" or "web and 3 more".
std::string some_of(const std::vector<std::string>& services) {
    constexpr std::size_t most = 3;
    if (services.size() <= most) return fmt::format("{}", fmt::join(services, ", "));
    return fmt::format("{} and {} more", fmt::join(services.begin(), services.begin() + most, ", "),
                       services.size() - most);
}

/// An address before the published port.
bool has_address(const std::string& port) {
    return std::count(port.begin(), port.end(), ':') > 1 && !port.starts_with("::");
}
} // namespace

void check_ignored(const ComposeReport& report) {
    const auto services = entries(report.compose.root["services"]);
    for (const Ignored& ignored : kIgnoredKeys) {
        YAML::Node first(YAML::NodeType::Undefined);
        std::vector<std::string> having;
        for (const auto& [name, service] : services)
            for (const auto& [key, value] : entries(service)) {
                if (key.Scalar() != ignored.key) continue;
                if (having.empty()) first.reset(key);
                having.push_back(name.Scalar());
            }
        if (!having.empty())
            report
                .problem(first,
                         fmt::format("a swarm ignores `{}` (of the service{} {})", ignored.key,
                                     having.size() == 1 ? "" : "s", some_of(having)))
                .with_hint(std::string(ignored.instead));
    }
    for (const auto& [name, service] : services) {
        const YAML::Node ports = member(service, "ports");
        if (!ports.IsDefined() || !ports.IsSequence()) continue;
        for (const auto& port : ports)
            if (port.IsScalar() && has_address(report.text_of(port).value_or("")))
                report
                    .problem(port,
                             fmt::format("a swarm ignores the address of this port of the service "
                                         "{} and publishes the port on all addresses of its nodes",
                                         name.Scalar()))
                    .with_hint("remove the address; to keep the port private, do not publish it or "
                               "use a firewall");
    }
}

} // namespace hadeploy::ssh::docker
