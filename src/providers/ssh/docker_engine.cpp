#include "core/value_json.h"
#include "embedded/scripts.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"
#include "providers/ssh/shell_functions.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {
using Json = nlohmann::json;

// Lists what hadeploy installed, for the removal.
constexpr std::string_view kMarker = "/var/lib/hadeploy/docker.engine";

std::string daemon_json(const Value& settings) {
    return Json::parse(to_open_json(settings)).dump(2) + "\n"; // sent on standard input
}

bool has_settings(const Value& config) {
    const Value& settings = config["settings"];
    return settings.is_map() && !settings.as_map().empty();
}

std::string between(std::string_view text, std::string_view from, std::string_view to) {
    const std::size_t begin = text.find(from);
    if (begin == std::string_view::npos) return "";
    const std::size_t end = text.find(to, begin + from.size());
    if (end == std::string_view::npos) return "";
    return std::string(text.substr(begin + from.size(), end - begin - from.size()));
}

class DockerEngine final : public SshType {
  public:
    DockerEngine();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    std::vector<std::string> claims(const Value& config) const override {
        return claim_of_host(config, "Docker on");
    }
    Value derive(const Value& /*config*/) const override { return Value::map({{"client", true}}); }
    std::string probe(const ReadRequest& /*request*/) const override {
        return functions() + std::string(scripts::docker_engine_probe);
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;

  private:
    static std::vector<Command> make(const Change& change);
    static std::vector<Command> remove(const Change& change);
};

DockerEngine::DockerEngine() {
    name = "docker.engine";
    summary = "The Docker daemon of a host: installed, configured, running, started at boot.";
    doc =
        "Installs the missing ones of the distribution's docker.io, docker-cli (where the client "
        "has its own package, as in Debian 13) and apparmor, which Docker needs to start "
        "containers. An existing Docker is used unchanged.\n\n"
        "A missing client, a stopped or disabled daemon and a changed daemon.json are drift and "
        "are repaired. The daemon is restarted only if daemon.json changes. If it does not start "
        "with the new daemon.json, the previous one is restored and apply reports the cause.\n\n"
        "Destroy removes the packages that hadeploy installed (not apparmor), and daemon.json if "
        "hadeploy wrote it. It keeps /var/lib/docker, and a Docker that hadeploy did not install.";
    example = "docker:\n"
              "  type: docker.engine\n"
              "  host: ${node[\"node1\"].connection}\n"
              "  settings:\n"
              "    log-driver: json-file\n"
              "    log-opts: {max-size: 10m, max-file: \"3\"}\n";
    adopts = true;
    remove_may_leave = true;
    slow = true;
    schema = {
        host_attribute(),
        {.name = "settings",
         .type = TypeKind::any,
         .doc = "The whole content of /etc/docker/daemon.json, which only root may read. If it is "
                "not set, the file is left alone.",
         .default_value = Value::map({})},
        {.name = "running",
         .type = TypeKind::boolean,
         .doc = "Whether the daemon runs.",
         .default_value = Value(true),
         .verb = "start"},
        {.name = "enabled",
         .type = TypeKind::boolean,
         .doc = "Whether the daemon starts at boot.",
         .default_value = Value(true),
         .verb = "enable"},
        {.name = "client",
         .type = TypeKind::boolean,
         .doc = "Whether the docker program is installed. All docker types use it.",
         .computed = true,
         .open = true,
         .verb = "install the client"},
        {.name = "version",
         .type = TypeKind::string,
         .doc = "The running version, e.g. \"20.10.24+dfsg1\".",
         .computed = true,
         .open = true},
        {.name = "installed",
         .type = TypeKind::boolean,
         .doc = "Whether hadeploy installed Docker or its client. If so, destroy removes what it "
                "installed.",
         .computed = true,
         .open = true},
    };
    bound_steps();
}

void DockerEngine::check(const Value& config, Diagnostics& diagnostics) const {
    const Value& settings = config["settings"];
    if (settings.is_unknown()) return;
    if (!settings.is_map() && !settings.is_null())
        diagnostics.add(fmt::format("`settings` must be a map, got {}", settings.kind_name()),
                        settings.loc());
    if (settings.flag("live-restore"))
        diagnostics
            .add("Docker cannot be part of a swarm with `live-restore: true`",
                 settings["live-restore"].loc())
            .with_hint("remove `live-restore`; a swarm moves tasks to other nodes by itself");
}

Observation DockerEngine::parse(const ReadRequest& request, const ProbeResult& result) const {
    const std::string_view out = result.out;
    if (out.starts_with("missing")) return Observation::absent();
    const bool running = out.starts_with("running\n");
    const std::string head(out.substr(0, std::min(out.find("settings\n"), out.find("reply "))));
    Value seen = Value::map({{"running", running},
                             {"enabled", head.find("enabled\n") != std::string::npos},
                             {"client", head.find("no client\n") == std::string::npos},
                             {"installed", head.find("ours\n") != std::string::npos}});
    if (has_settings(request.config) ||
        (request.recorded && has_settings(request.recorded->config))) {
        const std::string text = between(out, "settings\n", "end of settings\n");
        const Json json = Json::parse(text, nullptr, false);
        // invalid JSON is shown as text, and replaced
        Value settings = text.empty() ? Value::map({}) : Value(text);
        if (json.is_object()) settings = from_json(json.dump());
        seen = seen.with("settings", std::move(settings));
    }
    for (const Reply& reply : parse_replies(out)) {
        const std::size_t slash = reply.server.find('/');
        if (slash != std::string::npos)
            seen = seen.with("version",
                             reply.server.substr(slash + 1, reply.server.find(' ') - slash - 1));
    }
    return Observation::present(std::move(seen));
}

std::vector<Command> DockerEngine::commands(const Change& change) const {
    return change.kind == Change::Kind::remove ? remove(change) : make(change);
}

std::vector<Command> DockerEngine::make(const Change& change) {
    std::vector<Command> list;
    const auto changed = [&](std::string_view attribute) {
        return change.kind == Change::Kind::create ||
               std::find(change.changed.begin(), change.changed.end(), attribute) !=
                   change.changed.end();
    };
    if (changed("client"))
        list.push_back({.script = apt_functions(300'000, 1'200'000) +
                                  std::string(scripts::docker_engine_install),
                        .step = "installing Docker"});
    const bool configured = has_settings(change.after);
    const bool rewrite = changed("settings") && (configured || change.kind == Change::Kind::update);
    Command service{.step = rewrite && configured ? "configuring Docker" : "starting Docker"};
    std::string script = fmt::format("changed= wanted={}\n", configured ? "1" : "''");
    if (rewrite) script += scripts::docker_engine_configure;
    if (rewrite && configured) service.input = daemon_json(change.after["settings"]);
    // The package enables the service. Enabling it again takes seconds: for a service with an init
    // script systemd runs Perl and then reloads all units.
    script += change.after.flag("enabled", true)
                  ? "[ -L /etc/systemd/system/multi-user.target.wants/docker.service ] || "
                    "systemctl -q --no-reload enable docker\n"
                  : "systemctl -q disable docker\n";
    if (change.after.flag("running", true))
        script += scripts::docker_engine_start;
    else // stop the socket too, or the next client would start the daemon again
        script += "systemctl stop docker.socket docker\n";
    script += "[ -z \"$changed\" ] || rm -f \"$old\"\n";
    service.script = std::move(script);
    list.push_back(std::move(service));
    return list;
}

std::vector<Command> DockerEngine::remove(const Change& change) {
    std::vector<Command> list;
    if (has_settings(change.before))
        list.push_back(
            {.script = "rm -f /etc/docker/daemon.json\n", .step = "removing daemon.json"});
    if (change.before.flag("installed"))
        list.push_back({.script = apt_functions(300'000, 1'200'000) +
                                  fmt::format("marker={}\n", kMarker) +
                                  std::string(scripts::docker_engine_remove),
                        .step = "removing Docker"});
    return list;
}

} // namespace

std::unique_ptr<SshType> docker_engine_type() {
    return std::make_unique<DockerEngine>();
}

} // namespace hadeploy::ssh::docker
