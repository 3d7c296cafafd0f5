#include "providers/ssh/ssh.h"

#include "core/error.h"
#include "providers/ssh/connection.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/gluster_types.h"
#include "providers/ssh/host.h"
#include "providers/ssh/local.h"
#include "providers/ssh/provider.h"
#include "providers/ssh/requirements.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace hadeploy::ssh {

namespace {
Endpoint endpoint_of(const Value& connection, const Value& settings) {
    const Login login = login_from(connection);
    Value config = connection;
    for (const char* setting : {"connect_timeout", "become_password"})
        if (settings.has(setting) && !config.has(setting))
            config = config.with(setting, settings[setting]);
    return {.key = "ssh " + login.route(),
            .machine = connection.text("machine"),
            .config = std::move(config)};
}

/// The endpoints of a map or list of connections. Connections with unknown parts are left out.
std::vector<Endpoint> each_of(const Value& connections, const Value& settings) {
    std::vector<Endpoint> found;
    const auto add = [&](const Value& connection) {
        if (connection.is_map() && !connection.contains_unknown())
            found.push_back(endpoint_of(connection, settings));
    };
    if (connections.is_map())
        for (const Entry& e : connections.as_map()) add(e.value);
    if (connections.is_list())
        for (const Value& item : connections.as_list()) add(item);
    return found;
}

void append(std::vector<Endpoint>& endpoints, std::vector<Endpoint> more) {
    for (Endpoint& endpoint : more) {
        const bool known = std::any_of(endpoints.begin(), endpoints.end(),
                                       [&](const Endpoint& e) { return e.key == endpoint.key; });
        if (!known) endpoints.push_back(std::move(endpoint));
    }
}

/// The endpoint of an ssh.host itself, as in its future `connection`, except for an unknown host
/// key. `connection` in the config holds the value of the last read.
std::vector<Endpoint> of_host(const Value& config, const Value& settings) {
    for (const Entry& e : config.as_map())
        if (e.key != "connection" && e.value.contains_unknown()) return {};
    try {
        Value connection = resolve_connection(config, LocalUser::current()).connection;
        const std::string known = config["connection"].text("host_key");
        if (!connection.has("host_key") && !known.empty()) // trusted before
            connection = connection.with("host_key", known);
        if (!connection.has("host_key"))
            connection = connection.with("trust_on_first_use", config["trust_on_first_use"]);
        return each_of(Value::list({connection}), settings);
    } catch (const Error&) { // a record, and the SSH configuration is now unusable
        return each_of(Value::list({config}), settings);
    }
}

/// The provider "ssh": hosts reached over SSH.
class SshProvider final : public Provider, public HasPrerequisites {
  public:
    SshProvider() {
        name = "ssh";
        doc = "Hosts reached over SSH with key authentication. All reads of a host are sent in one "
              "exec, over one connection that stays open until the end of the run. Host keys are "
              "always verified. A user other than root needs sudo.\n\n"
              "If a connection breaks during a change, the change continues on the host: hadeploy "
              "reconnects and fetches the result. Until then the output is stored in "
              "`/run/hadeploy` on the host, readable only by root.";
        schema = {{.name = "connect_timeout",
                   .type = TypeKind::duration,
                   .doc = "How long a connection attempt may take, including login. A refused "
                          "connection is retried until then, even after a connection has broken "
                          "during a change: increase the value for a host that may reboot by "
                          "itself.",
                   .default_value = Value(10'000),
                   .min = 100},
                  {.name = "become_password",
                   .type = TypeKind::line,
                   .doc = "The sudo password on hosts where the login user is not root. It is sent "
                          "on standard input and is not stored in the state. Not needed if sudo "
                          "works without a password (`NOPASSWD`). An ssh.host can override it.",
                   .secret = true}};
        batches_changes = true;
    }

    std::vector<Endpoint> endpoints(const ResourceType& type, const Value& config,
                                    const Value& settings) const override {
        if (type.name == "ssh.key") return {{.key = "local", .machine = "", .config = {}}};
        if (type.name == "ssh.host") return of_host(config, settings);
        std::vector<Endpoint> found = each_of(Value::list({config["host"]}), settings);
        append(found, each_of(config["hosts"], settings));
        return found;
    }

    std::vector<Endpoint> removal_endpoints(const ResourceType& type, const Value& config,
                                            const Value& settings) const override {
        std::vector<Endpoint> found = endpoints(type, config, settings);
        append(found, each_of(config["peers"], settings));
        return found;
    }

    [[nodiscard]] std::vector<Prerequisite>
    prerequisites(const ProviderUse& use, const ProviderContext& context) const override {
        return requirements(use, context);
    }

    std::shared_ptr<OpenEndpoint> open(const Endpoint& endpoint,
                                       const ProviderContext& context) override {
        if (endpoint.key == "local") return open_local(context);
        Login login = login_from(endpoint.config);
        const std::shared_ptr<Pool> pool = pool_of(context.lineage);
        pool->connect(login, context.stop);
        return std::make_shared<SshEndpoint>(pool, std::move(login), context.stop,
                                             context.cache_dir);
    }

  private:
    std::shared_ptr<Pool> pool_of(const std::string& lineage) {
        const std::lock_guard lock(mutex_);
        std::shared_ptr<Pool>& pool = pools_[lineage];
        if (!pool) pool = std::make_shared<Pool>(lineage, first_keys_);
        return pool;
    }

    std::shared_ptr<FirstKeys> first_keys_ = std::make_shared<FirstKeys>();
    std::mutex mutex_; ///< guards pools_
    std::map<std::string, std::shared_ptr<Pool>> pools_;
};
} // namespace

void add_ssh_provider(Registry& registry) {
    registry.add(std::make_unique<SshProvider>());
}

void add_ssh(Registry& registry) {
    add_ssh_provider(registry);
    add_host_types(registry);
    add_docker_types(registry);
    add_gluster_types(registry);
}

std::string shown_host_key(const Value& host, const Value& connection) {
    Login login = login_from(connection);
    HostKeys revoked = resolve_connection(host, LocalUser::current()).known;
    revoked.accepted.clear();
    login.host_key = revoked.text();
    login.trust_on_first_use = true;
    const PublicKey key = Pool().connect(login, {});
    return key.type + ' ' + key.base64;
}

} // namespace hadeploy::ssh
