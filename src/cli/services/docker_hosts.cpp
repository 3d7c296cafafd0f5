#include "cli/services/docker_hosts.h"

#include "cli/machines.h"
#include "cli/render/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

void add_host(std::vector<DockerHost>& hosts, const std::string& key, const Value& connection) {
    if (!connection.is_map() || connection.text("address").empty()) return;
    for (const DockerHost& known : hosts)
        if (same_place(known.connection, connection)) return;
    hosts.push_back(docker_host(key, connection));
}

void add_hosts(std::vector<DockerHost>& hosts, const Value& connections) {
    if (!connections.is_map()) return;
    for (const Entry& e : connections.as_map()) add_host(hosts, e.key, e.value);
}

std::vector<DockerHost> sorted_hosts(std::vector<DockerHost> hosts) {
    std::stable_sort(hosts.begin(), hosts.end(),
                     [](const DockerHost& a, const DockerHost& b) { return a.name < b.name; });
    return hosts;
}

} // namespace

DockerHost docker_host(const std::string& key, const Value& connection) {
    const std::string machine = connection.text("machine");
    return {!machine.empty() ? short_name(machine)
            : !key.empty()   ? key
                             : connection.text("address"),
            connection};
}

std::vector<DockerHost> docker_hosts(const PriorState& prior) {
    std::vector<DockerHost> out;
    for (const auto& [address, r] : prior.recorded) {
        if (!r.type.starts_with("docker.")) continue;
        add_host(out, "", r.attributes["host"]);
        add_hosts(out, r.attributes["hosts"]);
        add_hosts(out, r.attributes["peers"]);
    }
    return sorted_hosts(std::move(out));
}

std::vector<DockerHost> swarm_members(const PriorState& prior, const Value& managers) {
    std::vector<DockerHost> out;
    add_hosts(out, managers);
    for (const auto& [address, r] : prior.recorded) {
        if (r.type != "docker.node") continue;
        std::vector<DockerHost> peers;
        add_hosts(peers, r.attributes["peers"]);
        add_host(peers, "", r.attributes["host"]);
        const bool same_swarm = std::any_of(peers.begin(), peers.end(), [&](const DockerHost& p) {
            return std::any_of(out.begin(), out.end(), [&](const DockerHost& member) {
                return same_place(p.connection, member.connection);
            });
        });
        if (same_swarm)
            for (const DockerHost& p : peers) add_host(out, p.name, p.connection);
    }
    return sorted_hosts(std::move(out));
}

HostShells::HostShells(const Context& context, const PriorState& prior, const std::stop_token& stop)
    : endpoints_(context.registry,
                 [&] {
                     ProviderContext provider_context =
                         context.project.provider_context(prior.lineage);
                     provider_context.stop = stop;
                     return provider_context;
                 }()),
      settings_(context.project.settings()) {}

int HostShells::run(const Value& connection, const std::string& script,
                    const RunsScripts::Take& take) {
    const ResourceType* type = endpoints_.registry().type("docker.cluster");
    const auto settings = settings_.find(type->provider);
    const auto places =
        endpoints_.registry()
            .provider(type->provider)
            ->endpoints(*type, Value::map({{"hosts", Value::list({connection})}}),
                        settings == settings_.end() ? Value::map({}) : settings->second);
    if (places.empty()) throw Error(ErrorKind::failed, "the connection is not known");
    const auto endpoint = endpoints_.open(type->provider, places.front());
    auto* shell = dynamic_cast<RunsScripts*>(endpoint.get());
    if (shell == nullptr) throw Error(ErrorKind::failed, "the endpoint runs no scripts");
    return shell->run_script(script, take);
}

std::string HostShells::output_of(const Value& connection, const std::string& script) {
    std::string out, said;
    const int status = run(connection, script,
                           [&](bool err, std::string_view piece) { (err ? said : out) += piece; });
    if (status == 0) return out;
    const std::vector<std::string> lines = split_lines(said);
    throw Error(ErrorKind::failed,
                lines.empty() ? fmt::format("exit status {}", status) : printable(lines.back()));
}

std::string plain_line(std::string_view text) {
    std::string kept;
    while (!text.empty()) {
        const std::size_t begin = text.find("\x1b[");
        kept += text.substr(0, begin);
        if (begin == text.npos) break;
        text.remove_prefix(begin + 2);
        const std::size_t end = text.find_first_not_of("0123456789;:");
        if (end != text.npos && text[end] == 'm')
            text.remove_prefix(end + 1);
        else
            kept += "\x1b[";
    }
    while (kept.ends_with('\r')) kept.pop_back();
    return printable(kept, true);
}

std::string shell_word_of(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

} // namespace hadeploy::cli
