#include "providers/ssh/compose_ports.h"

#include <algorithm>
#include <charconv>

namespace hadeploy::ssh::docker {

namespace {
/// An entry in `ports:` of a service.
struct PublishedEntry {
    std::string port;  ///< "80" or "53/udp"; "" if there is none to report
    bool host = false; ///< `mode: host`: only on the nodes of the tasks
};

PublishedEntry read_published(const YAML::Node& entry, const Value& variables) {
    std::string port, protocol = "tcp";
    bool host = false;
    if (entry.IsMap()) {
        const YAML::Node mode = member(entry, "mode"), number = member(entry, "published"),
                         kind = member(entry, "protocol");
        host = mode.IsDefined() && mode.IsScalar() && mode.Scalar() == "host";
        if (number.IsDefined() && number.IsScalar()) port = substituted(number.Scalar(), variables);
        if (kind.IsDefined() && kind.IsScalar()) protocol = kind.Scalar();
    } else if (entry.IsScalar()) { // [address:]published:target[/protocol]
        std::string text = substituted(entry.Scalar(), variables);
        if (const auto slash = text.find('/'); slash != text.npos) {
            protocol = text.substr(slash + 1);
            text.resize(slash);
        }
        const auto target = text.rfind(':');
        if (target == text.npos) return {};
        text.resize(target);
        port = text.substr(text.rfind(':') + 1);
    }
    // 0: Docker chooses the port
    if (port.find_first_not_of('0') == port.npos ||
        port.find_first_not_of("0123456789") != port.npos)
        return {};
    return {protocol == "tcp" ? port : port + "/" + protocol, host};
}

std::vector<PublishedEntry> published_by(const YAML::Node& service, const Value& variables) {
    std::vector<PublishedEntry> out;
    const YAML::Node ports = member(service, "ports");
    if (!ports.IsDefined() || !ports.IsSequence()) return out;
    for (const auto& entry : ports)
        if (PublishedEntry one = read_published(entry, variables); !one.port.empty())
            out.push_back(std::move(one));
    return out;
}

/// The number in a scalar; 1 if there is none.
std::int64_t count_in(const YAML::Node& node, const Value& variables) {
    std::int64_t number = 1;
    if (!node.IsDefined() || !node.IsScalar()) return number;
    const std::string text = substituted(node.Scalar(), variables);
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// The node to which a constraint ties the tasks of a service: "node1" for
/// `node.hostname == node1`. "*" for other constraints, "" for none.
std::string node_of(const YAML::Node& deploy, const Value& variables) {
    const YAML::Node list = member(member(deploy, "placement"), "constraints");
    if (!list.IsDefined() || !list.IsSequence() || list.size() == 0) return {};
    for (const auto& constraint : list) {
        if (!constraint.IsScalar()) continue;
        std::string text = substituted(constraint.Scalar(), variables);
        std::erase(text, ' ');
        if (constexpr std::string_view kHost = "node.hostname=="; text.starts_with(kHost))
            return text.substr(kHost.size());
    }
    return "*";
}

/// The tasks of a service of a stack that publish a port of their nodes.
PortUse tasks_publishing(const YAML::Node& deploy, const Value& variables) {
    PortUse out{.on = PortUse::On::some_machines};
    const YAML::Node mode = member(deploy, "mode");
    const std::string node = node_of(deploy, variables);
    if (node != "*") out.member = node;
    if (!mode.IsDefined() || !mode.IsScalar() ||
        !substituted(mode.Scalar(), variables).starts_with("global"))
        out.tasks = count_in(member(deploy, "replicas"), variables);
    else if (node.empty())
        out.on = PortUse::On::every_machine;
    else if (node == "*")
        out.tasks = 0; // not known on which nodes
    return out;
}
} // namespace

std::vector<std::string> published_ports(const Compose& compose, const Value& variables) {
    std::vector<std::string> out;
    const YAML::Node services = compose.root["services"];
    for (const std::string& key : keys_of(services))
        for (PublishedEntry& one : published_by(member(services, key), variables))
            if (!one.host && std::find(out.begin(), out.end(), one.port) == out.end())
                out.push_back(std::move(one.port));
    return out;
}

std::vector<PortUse> ports_of_stack(const Compose& compose, const Value& variables) {
    std::vector<PortUse> out;
    const YAML::Node services = compose.root["services"];
    for (const std::string& key : keys_of(services)) {
        const YAML::Node service = member(services, key);
        for (PublishedEntry& one : published_by(service, variables)) {
            PortUse use = one.host ? tasks_publishing(member(service, "deploy"), variables)
                                   : PortUse{.on = PortUse::On::every_machine};
            use.port = std::move(one.port);
            use.owner = key;
            out.push_back(std::move(use));
        }
    }
    return out;
}

std::vector<PortUse> ports_of_project(const Compose& compose, const Value& variables) {
    std::vector<PortUse> out;
    const YAML::Node services = compose.root["services"];
    for (const std::string& key : keys_of(services)) {
        const YAML::Node service = member(services, key);
        YAML::Node count = member(member(service, "deploy"), "replicas");
        if (!count.IsDefined()) count.reset(member(service, "scale"));
        for (PublishedEntry& one : published_by(service, variables))
            out.push_back(
                {.port = std::move(one.port), .owner = key, .tasks = count_in(count, variables)});
    }
    return out;
}

} // namespace hadeploy::ssh::docker
