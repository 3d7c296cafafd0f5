#include "providers/ssh/local.h"
#include "providers/ssh/provider.h"

#include <fmt/format.h>
#include <set>

namespace hadeploy::ssh {

namespace {
Endpoint endpoint_of(const Value& connection, const Value& settings) {
    const Login login = login_from(connection);
    Value config = connection;
    if (settings.has("connect_timeout"))
        config = config.with("connect_timeout", settings["connect_timeout"]);
    return {.key = "ssh " + login.name(),
            .machine = connection.text("machine"),
            .config = std::move(config)};
}

/// The kind "ssh": hosts that are logged in to.
class SshKind final : public ProviderKind {
  public:
    SshKind() {
        name = "ssh";
        doc = "Hosts that are reached over SSH with an ed25519 or ecdsa key. All that is read from "
              "a host travels in one exec, over one connection that is kept until the end. Host "
              "keys are always verified. A user other than root needs sudo without a password.";
        schema = {{.name = "connect_timeout",
                   .type = TypeKind::duration,
                   .doc = "How long a host may take to let us in. A connection that is refused is "
                          "tried again until then.",
                   .fallback = Value(10'000),
                   .min = 100}};
        batches_changes = true;
    }

    std::vector<Endpoint> endpoints(const ResourceType& type, const Value& config,
                                    const Value& settings) const override {
        if (type.name == "ssh.key") return {{.key = "local", .machine = "", .config = {}}};
        if (type.name == "ssh.host") {
            if (config.contains_unknown()) return {};
            return {endpoint_of(config, settings)};
        }
        std::vector<Endpoint> found;
        std::set<std::string> seen;
        const auto add = [&](const Value& connection) {
            if (!connection.is_map() || connection.contains_unknown()) return;
            Endpoint endpoint = endpoint_of(connection, settings);
            if (seen.insert(endpoint.key).second) found.push_back(std::move(endpoint));
        };
        add(config["host"]);
        for (const std::string_view several : {"hosts", "peers"}) {
            const Value& value = config[several];
            if (value.is_map())
                for (const Entry& e : value.as_map()) add(e.value);
            if (value.is_list())
                for (const Value& item : value.as_list()) add(item);
        }
        return found;
    }

    std::shared_ptr<Provider> open(const Endpoint& endpoint, const Setting& setting) override {
        if (endpoint.key == "local") return open_local(setting);
        Login login = login_from(endpoint.config);
        pool_->connect(login, setting.stop);
        return std::make_shared<SshProvider>(pool_, std::move(login), setting.stop);
    }

  private:
    std::shared_ptr<Pool> pool_ = std::make_shared<Pool>();
};
} // namespace

void add_ssh_provider(Registry& registry) { registry.add(std::make_unique<SshKind>()); }

} // namespace hadeploy::ssh
