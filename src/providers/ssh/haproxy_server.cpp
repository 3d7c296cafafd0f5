#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
class HaproxyServer final : public SshType {
  public:
    HaproxyServer();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    std::vector<std::string> claims(const Value& config) const override {
        return claim(
            config,
            fmt::format("HAProxy server {}/{}", config.text("backend"), config.text("server")),
            {"backend", "server"});
    }
    std::string probe(const ReadRequest& request) const override {
        return script_for(request.config) + std::string(scripts::haproxy_server_probe);
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;

  private:
    static std::string script_for(const Value& config) {
        return fmt::format("socket={} backend={} server={}\n", shell_quote(config.text("socket")),
                           shell_quote(config.text("backend")),
                           shell_quote(config.text("server"))) +
               std::string(scripts::haproxy_functions);
    }
};

HaproxyServer::HaproxyServer() {
    name = "haproxy.server";
    summary = "A server of an HAProxy backend that takes requests.";
    doc = "The server itself is in the configuration of HAProxy (a host.file). This resource "
          "stands for its being in service, and uses the runtime API (`stats socket ... level "
          "admin`) on the host of HAProxy. With several balancers, use one resource for each.\n\n"
          "Create puts the server into service and waits until HAProxy's checks have succeeded "
          "(`wait`); HAProxy sends no requests before that. A server that is in service is "
          "adopted. Destroy takes it out of service: HAProxy sends it no new requests, and the "
          "running ones are completed (`drain`). If the other servers of the backend are down, "
          "destroy fails, unless `force` is set.\n\n"
          "Drift that is repaired: a server that was put into the state `drain` or `maint`. A "
          "server that its checks report down is not drift.\n\n"
          "With `replace_triggered_by`, the server leaves the balancer while its app is changed: "
          "see docs/deployment.md. A restart of HAProxy puts all servers of its configuration back "
          "into service, and so does a reload without `load-server-state-from-file`.";
    example = "member:\n"
              "  type: haproxy.server\n"
              "  for_each: [a, b]\n"
              "  host: ${balancer.connection}\n"
              "  backend: app\n"
              "  server: ${each.key}\n"
              "  lifecycle: {replace_triggered_by: ['app[each.key]']}\n";
    schema = {
        host_attribute(),
        {.name = "backend",
         .type = TypeKind::line,
         .doc = "Name of the backend.",
         .required = true,
         .replaces = true},
        {.name = "server",
         .type = TypeKind::line,
         .doc = "Name of the server in the backend.",
         .required = true,
         .replaces = true},
        {.name = "socket",
         .type = TypeKind::path,
         .doc = "The socket of the runtime API.",
         .operational = true,
         .default_value = Value("/run/haproxy/admin.sock")},
        {.name = "wait",
         .type = TypeKind::duration,
         .doc = "How long create waits for HAProxy's checks to succeed. 0s: do not wait.",
         .operational = true,
         .default_value = Value(60'000)},
        {.name = "drain",
         .type = TypeKind::duration,
         .doc =
             "How long destroy waits for running requests, first with the clients that are bound "
             "to the server, then without them. Requests that still run then are ended.",
         .operational = true,
         .default_value = Value(30'000)},
        {.name = "force",
         .type = TypeKind::boolean,
         .doc = "Destroy takes the server out of service even if no other one takes requests.",
         .operational = true,
         .default_value = Value(false)},
    };
    adopts = true;
}

void HaproxyServer::check(const Value& config, Diagnostics& diagnostics) const {
    const auto in_name = [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("-_.:").find(static_cast<char>(c)) != std::string_view::npos;
    };
    for (const char* attribute : {"backend", "server"}) {
        const Value& given = config[attribute];
        if (!given.is_string()) continue;
        const std::string& text = given.as_string();
        if (text.empty() || !std::all_of(text.begin(), text.end(), in_name))
            diagnostics
                .add(fmt::format("{} is not a name of a {}", quoted(given), attribute), given.loc())
                .with_hint("HAProxy allows letters, digits, '-', '_', '.' and ':'");
    }
}

Observation HaproxyServer::parse(const ReadRequest& request, const ProbeResult& result) const {
    const Value& config = request.config;
    const std::string what =
        fmt::format("the server {}/{}", named(config, "backend"), named(config, "server"));
    const bool gone = result.err.find("cannot reach HAProxy") != std::string::npos;
    if (gone || result.out.starts_with("stopped"))
        return Observation::blocked(
            Error(ErrorKind::failed,
                  fmt::format(
                      "{} cannot be read: HAProxy does not run with the socket {} on the host",
                      what, named(config, "socket")))
                .with_hint("start HAProxy (systemctl start haproxy), and set `stats socket` in its "
                           "configuration"));
    if (result.status != 0) return cannot_look(what, result);
    const Answer answer(result.out);
    if (answer.has("none") || answer.has("out")) return Observation::absent();
    if (!answer.has("in")) return cannot_look(what, result);
    return Observation::present(
        Value::map({{"backend", config["backend"]}, {"server", config["server"]}}));
}

std::vector<Command> HaproxyServer::commands(const Change& change) const {
    const auto seconds = [](const Value& config, const char* attribute) {
        return (config.integer(attribute) + 999) / 1000;
    };
    if (change.kind == Change::Kind::remove) {
        const Value& config = change.before;
        return {{.script = script_for(config) +
                           fmt::format("seconds={} force={}\n", seconds(config, "drain"),
                                       config.flag("force") ? "yes" : "''") +
                           std::string(scripts::haproxy_server_leave),
                 .step = "taking the server out of service",
                 .limit = kStepTimeout + 2 * std::chrono::milliseconds(config.integer("drain"))}};
    }
    const Value& config = change.after;
    return {{.script = script_for(config) + fmt::format("seconds={}\n", seconds(config, "wait")) +
                       std::string(scripts::haproxy_server_join),
             .step = "putting the server into service",
             .limit = kStepTimeout + std::chrono::milliseconds(config.integer("wait"))}};
}
} // namespace

std::unique_ptr<ResourceType> make_haproxy_server() {
    return std::make_unique<HaproxyServer>();
}

} // namespace hadeploy::ssh
